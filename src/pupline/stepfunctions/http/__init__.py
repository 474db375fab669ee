"""The API's listening port: HTTP/1.1 on a thread for each connection, bounded in every direction."""

from pupline.stepfunctions.http._hosts import HostCheck
from pupline.stepfunctions.http._server import ApiServer, Limits

__all__ = ["ApiServer", "HostCheck", "Limits"]
