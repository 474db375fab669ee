"""What answers the Tasks of executions: mocks, functions, services behind endpoints, and the API itself.

`_runner` has the order in which they are asked.
"""

from pupline.stepfunctions.tasks._own_calls import Api
from pupline.stepfunctions.tasks._runner import TaskRunner
from pupline.stepfunctions.tasks._service_calls import ServiceFailure
from pupline.stepfunctions.tasks._sources import TaskSources
from pupline.stepfunctions.tasks._template import FunctionProcesses

__all__ = [
    "Api",
    "FunctionProcesses",
    "ServiceFailure",
    "TaskRunner",
    "TaskSources",
]
