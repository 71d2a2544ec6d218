"""Subcommands that check this machine, or set up another one."""
