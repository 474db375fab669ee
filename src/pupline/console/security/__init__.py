"""Who may ask the console for what, and what every response says to the browser."""

from pupline.console.security._hosts import Hosts
from pupline.console.security._protection import Protection

__all__ = ["Hosts", "Protection"]
