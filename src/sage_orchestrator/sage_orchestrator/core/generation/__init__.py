"""Text of a language model, token by token: what it costs, and who pays."""
