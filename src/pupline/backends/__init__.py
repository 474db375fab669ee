"""Where the workflows run: one machine, or a deployed stack."""
