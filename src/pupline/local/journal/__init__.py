"""Executions on one machine: their journal, and the driver that carries them out."""

from pupline.local.journal._driver import Driver
from pupline.local.journal._events import (
    DriverEvent,
    ExecutionFinished,
    ExecutionRefused,
    ExecutionResumed,
    ExecutionStarted,
    TaskAttemptFailed,
)
from pupline.local.journal._journal import ExecutionRow, Journal
from pupline.local.journal._lambda_runtime import Invocation, LambdaHandler, LambdaRuntime
from pupline.local.journal._map_io import LocalMapIO
from pupline.local.journal._prune import PruneCounts, count_prunable, prune
from pupline.local.journal._settings import DriveResult, DriverSettings, RedriveRequest, Runtime, StartRequest

__all__ = [
    "DriveResult",
    "Driver",
    "DriverEvent",
    "DriverSettings",
    "ExecutionFinished",
    "ExecutionRefused",
    "ExecutionResumed",
    "ExecutionRow",
    "ExecutionStarted",
    "Invocation",
    "Journal",
    "LambdaHandler",
    "LambdaRuntime",
    "LocalMapIO",
    "PruneCounts",
    "RedriveRequest",
    "Runtime",
    "StartRequest",
    "TaskAttemptFailed",
    "count_prunable",
    "prune",
]
