"""Reading: where in a picture there is text, and what it says."""
