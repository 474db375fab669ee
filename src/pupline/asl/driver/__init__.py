"""The driver in memory and in virtual time, and parts that every driver needs."""

from pupline.asl.driver._answer import (
    MARSHAL_ERROR,
    AnswersUsedUp,
    Later,
    NoAnswer,
    NothingAnswers,
    Return,
    TaskError,
    Throw,
    Unexpected,
    lambda_error,
    marshal_error,
)
from pupline.asl.driver._answers import NOTHING, Answers, function_name
from pupline.asl.driver._attempts import Attempts
from pupline.asl.driver._calling import Call, LambdaContext, call_function, caller_of
from pupline.asl.driver._execute import DEFAULT_START, Options, Task, answer_of, execute
from pupline.asl.driver._item_formats import ItemReaderError, parse_items
from pupline.asl.driver._item_reader import items_fact, read_items
from pupline.asl.driver._nested import (
    api_failure,
    api_request,
    api_result,
    child_ended,
)
from pupline.asl.driver._outcome import Delayed
from pupline.asl.driver._result import Result, path_of
from pupline.asl.driver._unanswered import (
    Unanswered,
    states_of,
    unanswered,
)

__all__ = [
    "DEFAULT_START",
    "MARSHAL_ERROR",
    "NOTHING",
    "Answers",
    "AnswersUsedUp",
    "Attempts",
    "Call",
    "Delayed",
    "ItemReaderError",
    "LambdaContext",
    "Later",
    "NoAnswer",
    "NothingAnswers",
    "Options",
    "Result",
    "Return",
    "Task",
    "TaskError",
    "Throw",
    "Unanswered",
    "Unexpected",
    "answer_of",
    "api_failure",
    "api_request",
    "api_result",
    "call_function",
    "caller_of",
    "child_ended",
    "execute",
    "function_name",
    "items_fact",
    "lambda_error",
    "marshal_error",
    "parse_items",
    "path_of",
    "read_items",
    "states_of",
    "unanswered",
]
