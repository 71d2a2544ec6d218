"""Ways to hand over a tensor, behind one interface."""
