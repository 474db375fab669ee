"""The pages of the console over the sample data directory of `console_world`: what browser tests go through.

A new page of the console belongs here; a test compares the list with the routes.
"""

PAGES = (
    "/",
    "/executions",
    "/gallery",
    "/audit",
    "/alerts",
    "/insights",
    "/ingests",
    "/sources",
    "/start",
    "/schedule",
    "/jobs",
    "/about",
    "/nowhere",
)
"""Paths, each with what it needs of the directory. The last one does not exist."""
