"""A mark for tests that replace parts of a module: compiled modules have constants and their own functions built in."""

import pytest

from pupline import json_values

IS_COMPILED = not str(json_values.__file__).endswith(".py")

plain_only = pytest.mark.skipif(IS_COMPILED, reason="it replaces a part of a module, and the modules are compiled")
