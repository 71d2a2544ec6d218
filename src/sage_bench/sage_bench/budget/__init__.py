"""Compute that follows salience: what the orchestrator does with a budget, beside other ways."""
