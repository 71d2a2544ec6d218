"""What is kept of what sleep removes: rows rewritten, copies for undoing, the list."""
