"""What a plugin's next step is worth and what it costs, learned from its own runs."""
