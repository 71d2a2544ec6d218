"""The subcommands of `sage`, one a file, by what they are about."""
