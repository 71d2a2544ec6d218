"""Trains, measures and exports the models; needs PyTorch, and no robot has it."""
