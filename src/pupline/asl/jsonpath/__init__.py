"""The JSONPath query language of states: paths, payload templates and intrinsic functions."""
