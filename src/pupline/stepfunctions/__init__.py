"""The Step Functions API on this machine, for every AWS SDK, the AWS CLI and Terraform.

    with LocalBackend.open(Path("data"), exclusive=True) as backend, serving(backend, ("127.0.0.1", 8083)) as server:
        boto3.client("stepfunctions", endpoint_url=server.url)

Sub-rooms, each of which imports only those above it (`tests/test_architecture.py` checks this):

    protocol    requests read and checked, answers written, by botocore's model of the service
    store       state machines, versions, aliases, activities and tags in the database
    tasks       what answers Tasks: mocks, functions, services behind endpoints, workers
    executions  executions: started, driven, described, listed, stopped
    machines    state machines, their versions, aliases and tags, activities; validation, and one state alone
    _api        a request in, its response out
    http        the listening port
"""

from pupline.stepfunctions._api import Response, StepFunctionsApi
from pupline.stepfunctions._errors import ApiError
from pupline.stepfunctions._serving import serving
from pupline.stepfunctions._settings import ApiSettings
from pupline.stepfunctions._template_machines import TemplateMachine
from pupline.stepfunctions.http import ApiServer, HostCheck
from pupline.stepfunctions.tasks import FunctionProcesses, ServiceFailure

__all__ = [
    "ApiError",
    "ApiServer",
    "ApiSettings",
    "FunctionProcesses",
    "HostCheck",
    "Response",
    "ServiceFailure",
    "StepFunctionsApi",
    "TemplateMachine",
    "serving",
]
