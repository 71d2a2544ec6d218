"""What goes over HTTP, declared once: the server, its tests and docs/gateway.md are made from it."""
