"""A closer look at what is attended, and at what stands out around it."""
