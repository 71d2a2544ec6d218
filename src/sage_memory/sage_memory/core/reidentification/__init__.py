"""Who and what was met again: moments that show the same thing, speaker or place."""
