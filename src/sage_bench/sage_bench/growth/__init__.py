"""Whether memory, threads and descriptors of the running graph grow."""
