"""The writing side: one writer, its queue, and every change of what is kept."""
