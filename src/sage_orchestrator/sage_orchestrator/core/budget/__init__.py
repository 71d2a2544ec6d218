"""Compute as a currency: measured, shared, and accounted for to the nanosecond."""
