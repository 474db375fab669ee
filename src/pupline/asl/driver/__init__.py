"""The driver in memory and in virtual time, and parts that every driver needs."""

from pupline.asl.driver._execute import DEFAULT_START, Result, Task, TaskError, answer_of, execute, lambda_error
from pupline.asl.driver._item_formats import ItemReaderError, parse_items
from pupline.asl.driver._item_reader import read_items

__all__ = [
    "DEFAULT_START",
    "ItemReaderError",
    "Result",
    "Task",
    "TaskError",
    "answer_of",
    "execute",
    "lambda_error",
    "parse_items",
    "read_items",
]
