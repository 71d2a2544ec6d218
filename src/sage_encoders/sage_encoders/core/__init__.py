"""The encoders' algorithms: numpy in, numpy out."""
