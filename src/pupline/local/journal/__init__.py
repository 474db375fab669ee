"""Executions on one machine: their journal, and the driver that carries them out."""

from pupline.local.journal._api_driver import ApiDriver, NameInUse, NoRoom, NotRedrivable, NotWaiting
from pupline.local.journal._api_journal import ApiExecution, ApiJournal, ExecutionFilter
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
from pupline.local.journal._settings import ApiStart, DriveResult, DriverSettings, RedriveRequest, Runtime, StartRequest

__all__ = [
    "ApiDriver",
    "ApiExecution",
    "ApiJournal",
    "ApiStart",
    "DriveResult",
    "Driver",
    "DriverEvent",
    "DriverSettings",
    "ExecutionFilter",
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
    "NameInUse",
    "NoRoom",
    "NotRedrivable",
    "NotWaiting",
    "PruneCounts",
    "RedriveRequest",
    "Runtime",
    "StartRequest",
    "TaskAttemptFailed",
    "count_prunable",
    "prune",
]
