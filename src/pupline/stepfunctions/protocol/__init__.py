"""AWS JSON 1.0, by botocore's model of the service: requests read and checked, answers written."""

from pupline.stepfunctions.protocol._constraints import check_constraints
from pupline.stepfunctions.protocol._model import TARGET_PREFIX, Service, load_service
from pupline.stepfunctions.protocol._request import read_request
from pupline.stepfunctions.protocol._response import write_answer, write_error

__all__ = [
    "TARGET_PREFIX",
    "Service",
    "check_constraints",
    "load_service",
    "read_request",
    "write_answer",
    "write_error",
]
