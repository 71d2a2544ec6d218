"""Work that one thread does for several, and who bears its cost."""
