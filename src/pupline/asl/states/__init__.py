"""One module per kind of state."""
