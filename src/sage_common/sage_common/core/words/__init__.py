"""Words that people ask with."""
