"""The console's lists over the database of one machine. Only reads."""

from pupline.local.pages._pages import LocalPages

__all__ = ["LocalPages"]
