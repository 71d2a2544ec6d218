"""One publisher for each kind of sensor stream; every node that has such a stream uses it."""
