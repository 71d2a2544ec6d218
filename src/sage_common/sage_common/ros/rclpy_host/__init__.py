"""The ROS host: managed rclpy nodes, alone or several in one process."""
