"""Listing an API: a paginator for each way in which APIs cut their items into pages."""

from pupline.sources.api._api_listing import ApiListing, shortfall_of

__all__ = ["ApiListing", "shortfall_of"]
