"""Subcommands that show and govern what takes compute and memory of the machine."""
