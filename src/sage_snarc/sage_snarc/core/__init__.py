"""Salience without ROS: numpy in, numpy out."""
