"""A sample source without internet: a Dog-CEO-compatible API on 127.0.0.1 with pictures drawn for this project.

It loads `http.server`, so import it only where it is used.
"""

from pupline.samples._server import HOST_NAME, SampleServer

__all__ = ["HOST_NAME", "SampleServer"]
