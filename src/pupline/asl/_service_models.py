"""The API models of AWS's services: botocore's, where it is installed (the extra `aws`)."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

_NAMES: Final = {
    "applicationdiscoveryservice": "discovery",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "configservice": "config",
    "costandusagereportservice": "cur",
    "costexplorer": "ce",
    "databasemigrationservice": "dms",
    "directoryservice": "ds",
    "directoryservicedata": "ds-data",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "elasticmapreduce": "emr",
    "elasticsearchservice": "es",
    "eventbridge": "events",
    "iotdataplane": "iot-data",
    "iotjobsdataplane": "iot-jobs-data",
    "lexmodelbuildingservice": "lex-models",
    "lexmodelsv2": "lexv2-models",
    "lexruntimeservice": "lex-runtime",
    "lexruntimev2": "lexv2-runtime",
    "marketplaceentitlementservice": "marketplace-entitlement",
    "marketplacemetering": "meteringmarketplace",
    "migrationhub": "mgh",
    "pinpointsmsvoice": "sms-voice",
    "serverlessapplicationrepository": "serverlessrepo",
    "sfn": "stepfunctions",
    "simpledb": "sdb",
    "states": "stepfunctions",
}
"""botocore's name of a service, by its name in a Resource, where they differ in more than hyphens."""


def has_models() -> bool:
    """Whether botocore is installed."""
    return _loader() is not None


@cache
def service_model(service: str) -> Any:
    """botocore's ServiceModel for a service as a Resource names it, such as `sfn`; None when it is not known."""
    loader = _loader()
    if loader is None:
        return None
    from botocore.model import ServiceModel

    flat = service.replace("-", "").lower()
    names = {name.replace("-", ""): name for name in loader.list_available_services("service-2")}
    name = _NAMES.get(flat) or _NAMES.get(f"{flat}service") or names.get(flat)
    return None if name is None else ServiceModel(loader.load_service_model(name, "service-2"), name)


def operation_model(service: str, action: str) -> Any:
    """botocore's OperationModel for an action as a Resource names it, such as `putItem`; None when it is not known."""
    model = service_model(service)
    wanted = action.lower()
    name = None if model is None else next((each for each in model.operation_names if each.lower() == wanted), None)
    return None if name is None else model.operation_model(name)


def member_name(name: str) -> str:
    """A member in the spelling of Step Functions: `executionArn` is `ExecutionArn`."""
    return name[:1].upper() + name[1:]


@cache
def _loader() -> Any:
    try:
        from botocore.loaders import Loader
    except ImportError:
        return None
    return Loader()
