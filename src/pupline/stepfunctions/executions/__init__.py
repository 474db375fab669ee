"""Executions: started, driven, described, listed, stopped."""

from collections.abc import Mapping

from pupline.stepfunctions._call import Operation
from pupline.stepfunctions.executions._executions import Executions

__all__ = ["EXECUTION_OPERATIONS", "Executions"]

EXECUTION_OPERATIONS: Mapping[str, Operation] = {}
"""Operations by their name in the API."""
