"""What packages offer to SAGE: modalities, effectors and cameras, by entry point."""
