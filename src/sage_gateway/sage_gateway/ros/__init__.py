"""Between messages of the graph and the contract."""
