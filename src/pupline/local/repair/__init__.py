"""A damaged data directory made usable again."""
