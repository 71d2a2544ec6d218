"""What the orchestrator uses of heavy libraries."""
