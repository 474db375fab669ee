"""The ports over one directory and one SQLite file, and the durable driver of the engine.

`LocalBackend.open(data_dir, exclusive=True)` gives all of it; everything else here is what it gives.
"""

from pupline.local._audit import AuditQuery, LocalAuditTable
from pupline.local._bucket import LocalBucket, ObjectListed
from pupline.local._database import Database
from pupline.local._memo import LocalMemo

__all__ = [
    "AuditQuery",
    "Database",
    "LocalAuditTable",
    "LocalBucket",
    "LocalMemo",
    "ObjectListed",
]
