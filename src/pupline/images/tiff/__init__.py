"""TIFF, and the camera raw files that are built like it."""
