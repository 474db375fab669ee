"""Programs for developers of pupline: packaging, a local AWS, other engines to compare with, sample drawings."""
