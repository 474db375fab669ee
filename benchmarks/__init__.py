"""`make bench`: pupline and its peers, measured on one machine in one run. See docs/benchmarks.md."""
