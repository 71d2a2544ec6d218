"""Looking after the memory: export and import, numbers, pins, forgetting, sleep, re-embedding."""
