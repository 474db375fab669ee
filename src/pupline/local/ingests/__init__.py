"""Bulk runs on one machine: their items, stored in groups."""
