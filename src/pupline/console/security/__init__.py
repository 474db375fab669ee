"""Who may ask the console for what, and what every response says to the browser."""

from pupline.console.security._access import Access, checked_token
from pupline.console.security._headers import SAFE_HEADERS
from pupline.console.security._hosts import Hosts
from pupline.console.security._login import login_pages
from pupline.console.security._protection import Protection

__all__ = ["SAFE_HEADERS", "Access", "Hosts", "Protection", "checked_token", "login_pages"]
