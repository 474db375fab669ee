"""The model of the Step Functions API, as botocore has it: its operations, their shapes and constraints."""

from dataclasses import dataclass
from typing import Any

from pupline.errors import ConfigurationError

Shape = Any
"""A shape of botocore, which has no types."""

TARGET_PREFIX = "AWSStepFunctions."


@dataclass(frozen=True, slots=True)
class Service:
    """The shapes of each operation. Made by `load_service`."""

    inputs: dict[str, Shape]
    outputs: dict[str, Shape]


def load_service() -> Service:
    """The model in the installed botocore. Raises: ConfigurationError where there is none."""
    try:
        from botocore.loaders import Loader
        from botocore.model import ServiceModel
    except ImportError as error:
        raise ConfigurationError(
            'the Step Functions API is read from the model in botocore; install it with: pip install "pupline[aws]"'
        ) from error
    model = ServiceModel(Loader().load_service_model("stepfunctions", "service-2"))
    operations = {name: model.operation_model(name) for name in model.operation_names}
    return Service(
        {name: operation.input_shape for name, operation in operations.items()},
        {name: operation.output_shape for name, operation in operations.items()},
    )
