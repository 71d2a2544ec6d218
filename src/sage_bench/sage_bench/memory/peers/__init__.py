"""Other stores that can be asked for the nearest moments, and ours, behind one interface."""
