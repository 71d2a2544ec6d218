"""State of nodes: declared as fields, packed as plain arrays, kept in files."""
