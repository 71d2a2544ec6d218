"""The governor below a real limit of memory, beside processes that take it."""
