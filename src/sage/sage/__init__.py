"""SAGE bring-up: the graph description, the command line, bags and benches."""
