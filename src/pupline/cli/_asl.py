"""`pupline asl`: the States Language tool, for any state machine."""

import click

from pupline.cli._lazy_group import LazyGroup, Sections

_SECTIONS: Sections = {
    "Check": {
        "validate": ("_validate", "Check definitions; all problems at once."),
    },
    "Run": {
        "run": ("_asl_run", "Run a state machine, with mocks or functions for its Tasks."),
        "test-state": ("_test_state", "Run one state alone and show each stage of its data flow."),
        "serve": ("_serve", "The Step Functions API on this machine, for AWS's SDKs and tools."),
    },
}


@click.command(cls=LazyGroup, sections=_SECTIONS)
def asl() -> None:
    """Check, run and serve any state machine in the Amazon States Language, on this machine.

    FILE is a definition in JSON or YAML, or a template of SAM, CloudFormation or the Serverless Framework;
    template.yaml#Resource names one of its state machines.
    """
