"""What nodes report of themselves in /diagnostics, and what follows from it."""
