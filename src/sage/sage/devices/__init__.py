"""Cameras, microphones and IMUs of this machine, each looked at for a second."""
