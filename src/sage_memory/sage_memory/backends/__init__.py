"""Encoders of payloads, imported on first use."""
