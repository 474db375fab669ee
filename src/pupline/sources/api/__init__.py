"""Listing an API: a paginator for each way in which APIs cut their items into pages."""

from pupline.sources.api._api_listing import ApiListing

__all__ = ["ApiListing"]
