"""What must hold for a day, or with hundreds at once: a sample of each in `make test`, all of it in `make soak`."""
