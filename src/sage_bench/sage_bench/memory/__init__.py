"""What the memory is measured with, and beside."""
