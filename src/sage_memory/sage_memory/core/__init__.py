"""The store and its algorithms; no ROS."""
