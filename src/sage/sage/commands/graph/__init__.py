"""Subcommands that run a graph, show it, record and replay it."""
