"""From percepts and saliences to the moments that are kept."""
