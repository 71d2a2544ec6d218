"""Tensors between nodes: written and looked at in mailboxes, or out of messages."""
