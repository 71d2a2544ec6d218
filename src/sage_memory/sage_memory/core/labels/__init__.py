"""What was recognised in a moment: its compact form, and its rows."""
