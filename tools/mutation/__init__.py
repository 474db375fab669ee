"""A mutation run: small faults in the rooms that promise something, and whether the tests notice them (decision 20)."""
