"""Asking the memory, through the running graph or straight from the store."""
