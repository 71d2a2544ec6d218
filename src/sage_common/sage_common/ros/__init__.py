"""Shared ROS code: node base, hosts, QoS, checks, conversions."""
