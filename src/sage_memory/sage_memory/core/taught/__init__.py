"""Words that were taught with a few examples."""
