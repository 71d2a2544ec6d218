"""FP16 and INT8 variants of trained models."""
