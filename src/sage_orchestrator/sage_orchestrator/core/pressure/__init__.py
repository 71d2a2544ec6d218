"""How tight memory is, and what is given back at which level."""
