"""Speech: where there is some, and what it says."""
