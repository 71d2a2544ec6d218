"""Messages to NumPy arrays and back."""
