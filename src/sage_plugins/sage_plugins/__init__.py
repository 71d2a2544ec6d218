"""Refinement plugins that come with SAGE; the orchestrator knows them by entry point."""
