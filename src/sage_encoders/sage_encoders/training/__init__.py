"""Trains, measures and exports the encoders; the only room that needs PyTorch."""
