"""The error of a file that cannot be read as JSON or YAML."""

from pathlib import Path

from pupline.errors import ConfigurationError
from pupline.text import printable


class UnreadableDefinition(ConfigurationError):
    """A file's text is not JSON or YAML, or not within the limits; or a template has a definition that is elsewhere.

    file: where. problem: what is wrong, without the place. line, column: from 1, in characters. code: what kind of
    problem it is, such as AWS's INVALID_JSON_DESCRIPTION. is_elsewhere: nothing is wrong with the file; the definition
    is in S3, or only a deployment knows it.
    """

    def __init__(self, file: Path, problem: str, line: int, column: int, code: str = "INVALID_TEMPLATE") -> None:
        super().__init__(f"{printable(str(file))}:{line}:{column}: {problem}")
        self.file = file
        self.problem = problem
        self.line = line
        self.column = column
        self.code = code
        self.is_elsewhere = False


class DefinitionElsewhere(ConfigurationError):
    """A definition of a template that is in S3, or that only a deployment knows."""


class SyntaxTrouble(Exception):
    """What is wrong with a text, and where; the reader of the file makes an UnreadableDefinition of it."""

    def __init__(self, problem: str, line: int, column: int, code: str = "INVALID_JSON_DESCRIPTION") -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line
        self.column = column
        self.code = code

    def in_file(self, file: Path, line: int, column: int) -> UnreadableDefinition:
        """The error of the file that the text is in, at this place."""
        return UnreadableDefinition(file, self.problem, line, column, self.code)
