"""Naming sounds: a linear classifier on what the encoder of speech hears."""
