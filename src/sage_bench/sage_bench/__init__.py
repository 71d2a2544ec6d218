"""Benches of SAGE, beside named baselines; they need a checkout, and no robot has them."""
