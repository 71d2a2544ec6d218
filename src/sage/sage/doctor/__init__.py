"""What is found and in effect on this machine, one check a function."""
