"""The JSONata query language of states."""
