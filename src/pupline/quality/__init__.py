"""What the pictures of a dataset are like: decoded in full, with perceptual hashes, near-duplicates and scores.

A pass of its own over images that are stored. It needs `pupline[quality]`, Pillow, in its decoder processes only: no
other part of pupline imports either.
"""
