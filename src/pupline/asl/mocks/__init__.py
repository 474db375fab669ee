"""Mocks: answers for the Tasks of a machine, as data in a file.

    mocks = parse_mocks(json.loads(text), machine.definition)
    for name in mocks.names:
        result = execute(machine, {}, states=mocks.case(name).states)

Two forms are read, and told apart by their keys: the MockConfigFile.json of AWS Step Functions Local, unchanged, and a
simple form by state name. `_file` reads either, `_answers` the answers in them; `_expectation` compares the end of an
execution with what a case expects. `_skeleton` makes a file in AWS's form for a machine, with sample responses.
"""

from pupline.asl.mocks._expectation import Expectation
from pupline.asl.mocks._file import MockCase, Mocks, parse_mocks
from pupline.asl.mocks._skeleton import mocks_skeleton

__all__ = ["Expectation", "MockCase", "Mocks", "mocks_skeleton", "parse_mocks"]
