"""Events in, answers out: pure functions without I/O and without torch."""
