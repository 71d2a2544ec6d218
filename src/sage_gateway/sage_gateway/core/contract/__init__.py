"""What goes over HTTP, declared once: server, tests and docs/gateway.md are made from it."""
