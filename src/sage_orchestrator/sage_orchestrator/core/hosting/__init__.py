"""Where plugins run: on a thread of the orchestrator's process, or in a process of their own."""
