"""What a demo says of its own composition: what happened, what was noticed of it."""
