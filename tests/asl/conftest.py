"""Importing jsonata-python raises Python's recursion limit; hypothesis objects when that happens within a test."""

import pupline.asl.jsonata._library  # noqa: F401 - for its effect
