"""The five dimensions of salience, each from raw samples to a calibrated number."""
