"""The pages of the console over the sample data directory of `console_world`: what browser tests go through.

A new page of the console belongs here; a test compares the list with the routes.
"""

from tests.shared.console_world import FAILED, QUARANTINED, REFUSED, SUCCEEDED

PAGES = (
    "/",
    "/executions",
    "/executions?status=FAILED&order=oldest",
    "/machines",
    "/machines/DogUploaderPipeline",
    f"/executions/{FAILED}",
    f"/executions/{FAILED}?tab=table",
    f"/executions/{FAILED}?tab=events",
    f"/executions/{FAILED}?tab=timeline",
    f"/executions/{FAILED}/again",
    f"/executions/{REFUSED}?state=FetchAndUploadDogImage",
    f"/executions/{QUARANTINED}",
    f"/executions/{SUCCEEDED}?state=CheckIfPNG",
    f"/executions/{SUCCEEDED}/children",
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
