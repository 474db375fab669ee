"""The data directory: what it holds, who may write in it, and whether it can be opened."""

from pupline.local.data_dir._layout import BUCKET, DATABASE_NAME, REPAIRED_NAME, kind_of, layout_problem
from pupline.local.data_dir._lock import WAIT_VARIABLE, WAITING, DirectoryLock
from pupline.local.data_dir._prepare import check_data_dir, create_data_dir

__all__ = [
    "BUCKET",
    "DATABASE_NAME",
    "REPAIRED_NAME",
    "WAITING",
    "WAIT_VARIABLE",
    "DirectoryLock",
    "check_data_dir",
    "create_data_dir",
    "kind_of",
    "layout_problem",
]
