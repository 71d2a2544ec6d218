"""What the VQ-VAEs of vision and audio share."""
