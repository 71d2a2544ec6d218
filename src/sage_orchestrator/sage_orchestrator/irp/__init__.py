"""Refinement plugins that come with SAGE."""
