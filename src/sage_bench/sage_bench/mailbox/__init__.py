"""How fast tensors and records change hands, beside other transports."""
