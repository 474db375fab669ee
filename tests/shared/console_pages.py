"""The pages of the console over the sample data directory of `console_world`: what browser tests go through.

A new page of the console belongs here; a test compares the list with the routes.
"""

from tests.shared.console_world import FAILED, INGEST_RUN, QUARANTINED, REFUSED, SUCCEEDED

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
    "/machines/DogUploaderPipeline",
    "/gallery",
    "/gallery/1",
    "/gallery?outcome=quarantined",
    "/audit",
    "/audit/1",
    "/alerts",
    "/alerts/{alert}",
    "/insights",
    "/ingests",
    f"/ingests/{INGEST_RUN}",
    f"/ingests/compare?a={INGEST_RUN}&b={INGEST_RUN}",
    "/sources",
    "/sources/sample",
    "/start",
    "/schedule",
    "/jobs",
    "/about",
    "/nowhere",
)
"""Paths. `{alert}` stands for the ID of an alert. The last page does not exist."""

NOT_HERE = frozenset({"/executions/{name}/children/{child}", "/jobs/{number}", "/login"})
"""Routes of pages that need more than the sample data directory has; other tests go there."""
