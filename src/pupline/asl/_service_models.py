"""The API models of AWS's services: botocore's, where it is installed (the extra `aws`)."""

from __future__ import annotations

import re
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

_FIRST_ACRONYM: Final = re.compile(r"^[A-Z]+(?![a-z])")


_RETIRED = frozenset(
    {
        "apptest", "elasticinference", "elastictranscoder", "evidently", "finspace", "finspacedata", "honeycode",
        "iotanalytics", "iotevents", "ioteventsdata", "iotfleethub", "lookoutmetrics", "lookoutvision", "macie",
        "mobile", "opsworks", "opsworkscm", "panorama", "privatenetworks", "qldb", "qldbsession", "robomaker",
        "simspaceweaver", "sms", "tnb",
    }
)  # fmt: skip
"""Services that AWS's list has and newer versions of botocore do not."""


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


@cache
def sdk_services() -> frozenset[str]:
    """The services as Resources name them after `aws-sdk:`; empty without botocore.

    They are the SDK's service ids in lower case, without blanks and a final "Service". Source: AWS, "Supported AWS SDK
    service integrations", which also lists services that botocore has dropped.
    """
    loader = _loader()
    if loader is None:
        return frozenset()
    own = {name.removesuffix("service") for name in _NAMES if name not in ("elasticmapreduce", "states")}
    same = set(loader.list_available_services("service-2")) - set(_NAMES.values()) | {"emr"}
    return frozenset(own | {name.replace("-", "") for name in same} | _RETIRED)


@cache
def sdk_actions(service: str) -> frozenset[str]:
    """The actions of a service as Resources name them, such as `putItem`; empty when the service is not known."""
    model = service_model(service)
    return frozenset() if model is None else frozenset(name[:1].lower() + name[1:] for name in model.operation_names)


def sdk_name(name: str) -> str | None:
    """The name after `aws-sdk:` of a service that botocore or its optimised integration calls otherwise, or None."""
    if name == "states":
        return "sfn"
    own = next((own for own, folder in _NAMES.items() if name in (folder, folder.replace("-", ""), own)), None)
    return None if own is None or own == "states" else own.removesuffix("service").replace("elasticmapreduce", "emr")


def operation_model(service: str, action: str) -> Any:
    """botocore's OperationModel for an action as a Resource names it, such as `putItem`; None when it is not known."""
    model = service_model(service)
    wanted = action.lower()
    name = None if model is None else next((each for each in model.operation_names if each.lower() == wanted), None)
    return None if name is None else model.operation_model(name)


def member_name(name: str) -> str:
    """A member in the spelling of optimised integrations: `executionArn` is `ExecutionArn`."""
    return name[:1].upper() + name[1:]


def sdk_member_name(name: str) -> str:
    """A member in the spelling of SDK integrations, that of AWS's SDK for Java: `DBClusterArn` is `DbClusterArn`."""
    if name == "NULL":  # of DynamoDB; null is a word of Java
        return "Nul"
    return member_name(_FIRST_ACRONYM.sub(lambda found: found[0].capitalize(), name))


@cache
def _loader() -> Any:
    try:
        from botocore.loaders import Loader
    except ImportError:
        return None
    return Loader()
