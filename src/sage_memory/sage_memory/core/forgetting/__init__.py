"""What a person asks to be forgotten, and everything that was made from it."""
