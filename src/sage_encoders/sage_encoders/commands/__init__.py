"""Subcommands of `sage` that the encoders add."""
