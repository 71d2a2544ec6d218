"""Metabolic states: policies that govern the graph, and what the robot passes between."""
