"""ISO base media files: AVIF and HEIC."""
