"""SNARC salience: how much a moment matters, in five calibrated dimensions."""
