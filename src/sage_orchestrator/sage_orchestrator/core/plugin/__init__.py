"""What a plugin is, for those who write one and for the orchestrator that runs it."""
