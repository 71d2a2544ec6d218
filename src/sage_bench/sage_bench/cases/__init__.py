"""The benches by name; each has `measure(quick) -> Result`."""
