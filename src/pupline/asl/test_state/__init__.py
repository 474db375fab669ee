"""TestState: one state, run alone, with each stage of its data flow shown."""

from pupline.asl.test_state._request import TestStateError, TestStateRequest
from pupline.asl.test_state._run import run_test_state

__all__ = ["TestStateError", "TestStateRequest", "run_test_state"]
