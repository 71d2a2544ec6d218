"""The transactions of a run of sleep, and what undoes them."""
