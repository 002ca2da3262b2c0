"""The real command, from the keyboard to the worker's torch, in pseudo-terminals: waits are bounded."""
