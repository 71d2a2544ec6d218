"""Subcommands that ask, teach and keep the memory."""
