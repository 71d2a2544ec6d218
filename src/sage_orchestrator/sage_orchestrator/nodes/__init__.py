"""ROS nodes of the orchestrator."""
