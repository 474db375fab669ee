"""What the API says of a revision: DescribeStateMachine, and DescribeStateMachineForExecution."""

from pupline.asl import variable_references
from pupline.json_values import loads
from pupline.stepfunctions._call import Answer, Parameters
from pupline.stepfunctions.store import Revision


def describe_revision(revision: Revision, parameters: Parameters) -> Answer:
    """The members that both have. Without its data (includedData), the definition is `{}`."""
    only_metadata = parameters.get("includedData") == "METADATA_ONLY"
    references = {} if only_metadata else variable_references(loads(revision.definition))
    return {
        "definition": "{}" if only_metadata else revision.definition,
        "roleArn": revision.role_arn,
        "revisionId": revision.revision_id,
        "variableReferences": references or None,
        **revision.settings,
    }
