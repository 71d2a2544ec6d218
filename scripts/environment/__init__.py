"""Set-up of the virtual environment, with the standard library of Python 3.10 and nothing else."""
