"""What is remembered and asked in the memory bench, and the right answers."""
