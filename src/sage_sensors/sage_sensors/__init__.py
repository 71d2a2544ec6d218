"""Sensors of SAGE: camera, microphone, IMU, text, and a recording played as all of them."""
