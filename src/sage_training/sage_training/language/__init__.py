"""The text embedder: measured and calibrated, not trained here."""
