"""Rows of the memory bench that are measured in processes of their own."""
