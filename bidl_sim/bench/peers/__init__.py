"""Other simulators and trainers at the same works, one a file."""
