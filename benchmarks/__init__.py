"""What `make bench` measures: this engine beside others, on one machine in one run. See docs/benchmarks.md."""
