"""The vision encoder: puzzle and embedding."""
