"""Answering a query: from the question to whole records, with reasons."""
