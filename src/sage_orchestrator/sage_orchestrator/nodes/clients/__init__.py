"""Clients of services of the graph that plugins use."""
