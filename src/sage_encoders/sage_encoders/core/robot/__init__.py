"""Standard robot messages as puzzles: ranges, odometry, battery, diagnostics."""
