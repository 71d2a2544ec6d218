"""Parts of the bench of operation: a module each, with `rows`."""
