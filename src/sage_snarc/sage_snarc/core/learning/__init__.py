"""Weights of salience, learned online from outcomes."""
