"""Budget, trust and the running of plugins, without ROS."""
