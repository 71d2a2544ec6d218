"""The tables, and what becomes a row of them."""
