"""Audit records: search, filter, export."""

from pupline.console.audit._api import api
from pupline.console.audit._models import FacetList, RecordModel
from pupline.console.audit._pages import pages

__all__ = ["FacetList", "RecordModel", "api", "pages"]
