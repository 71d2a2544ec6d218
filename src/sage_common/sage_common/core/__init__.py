"""Shared code without ROS: clock, registry, parameters, health, ring buffers, state files."""
