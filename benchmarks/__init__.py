"""What `make bench` measures: this engine beside others, on one machine in one run. See docs/benchmarks.md."""

import sys
from pathlib import Path

# The peers are shared with the differential tests.
sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
