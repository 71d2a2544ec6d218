"""Bags in rosbag2 layout: recording, playing, and replaying in lock-step."""
