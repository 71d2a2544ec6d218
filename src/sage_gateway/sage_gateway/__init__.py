"""The graph to the outside: a page, its server, figures for Prometheus."""
