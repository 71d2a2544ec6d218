"""Encoders: one sensor sample in, a 30x30 puzzle of ordered codes and an embedding out."""
