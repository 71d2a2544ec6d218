"""What every SAGE node shares: core/ has no ROS, ros/ is the ROS side."""
