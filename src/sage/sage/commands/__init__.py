"""The subcommands of `sage`, one a file."""
