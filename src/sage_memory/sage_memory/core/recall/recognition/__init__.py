"""Asking by words for what was recognised: evidence of labels, joined with that of texts."""
