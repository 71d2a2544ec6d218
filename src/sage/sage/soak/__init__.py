"""Whether a graph holds its budgets, and whether anything grows, over hours and days."""
