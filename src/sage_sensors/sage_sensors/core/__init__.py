"""Sensor algorithms without ROS: timelines, trust, back-off, subtitles, synthetic signals."""
