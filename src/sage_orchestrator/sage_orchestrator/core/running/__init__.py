"""One run of a plugin: its steps, why it stops, and what it reports."""
