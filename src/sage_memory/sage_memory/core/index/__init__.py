"""The index: vectors and filterable columns in memory, a cache of the rows."""
