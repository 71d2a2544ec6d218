"""The gateway without ROS and without a server: contract, aggregate, streams, access."""
