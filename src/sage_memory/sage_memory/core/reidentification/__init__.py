"""Who and what was met again: moments that show the same object, speaker or place."""
