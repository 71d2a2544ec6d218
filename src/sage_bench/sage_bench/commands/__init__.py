"""Subcommands of `sage` for a checkout."""
