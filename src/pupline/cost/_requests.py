"""Requests that the functions make, as tests count them with the real adapters (tests/aws/test_cost_requests.py)."""

PICKED_READS = 1
"""Of the memo of the image that was picked, by each attempt to fetch an image at random."""

PICKED_WRITES = 1
"""Of that memo, once for each image at random."""

INTENT_WRITES = 1
"""Of the memo of what is about to be stored, once for each image that was fetched."""

RECORD_WRITES = 2
"""Of a record of a single image: the item, and its entry in the index by day. A batch's records have no entry."""

BATCH_PUTS = 2
"""Of a batch besides its images: its metadata part and its result."""

BATCH_GETS = 2
"""Of a batch: the part and the result of an earlier attempt."""

CLAIM_WRITES = 1
"""Of the memo of the run's first alert, by each batch with an alert."""

RUN_PUTS = 5
"""Of a run: the manifest, two files of the ResultWriter, failures.jsonl, summary.json."""

RUN_GETS = 1
"""Of a run: the manifest, by the ItemReader."""

SUMMARY_GETS = 1
"""Of an invocation of SummariseIngest besides the results: how far an earlier one has come."""

RESULT_GETS = 1
"""Of a batch's result, by SummariseIngest."""

KEYS_PER_LIST = 1_000
"""Of the results that SummariseIngest lists."""
