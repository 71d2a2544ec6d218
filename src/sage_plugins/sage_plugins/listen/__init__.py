"""Understanding what is said."""
