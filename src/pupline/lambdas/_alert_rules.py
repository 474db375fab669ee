"""The workflow's alert rules in Lambda: its file is in the package, the same that the stack was deployed with."""

from functools import cache

from pupline.json_values import AnyJSON
from pupline.workflow_files import read_definition, workflow_path


@cache
def packaged_workflow() -> dict[str, AnyJSON]:
    """The definition of DogUploaderPipeline. Raises: ConfigurationError."""
    return read_definition(workflow_path())
