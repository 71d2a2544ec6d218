"""Draws the pictures of docs/ from code and recordings."""
