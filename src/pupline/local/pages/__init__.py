"""The console's lists over the database of one machine. Only reads."""

from pupline.local.pages._pages import LocalPages
from pupline.local.pages._record_index import INDEX_NAME

__all__ = ["INDEX_NAME", "LocalPages"]
