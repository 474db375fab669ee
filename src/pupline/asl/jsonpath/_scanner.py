"""A position in a text, and the steps that parsers take in it."""

import re

from pupline.asl._errors import SyntaxProblem


class Scanner:
    """at: the index of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def error(self, what: str) -> SyntaxProblem:
        """The problem at the current index."""
        shown = self.text if len(self.text) <= 200 else self.text[:200] + "..."
        return SyntaxProblem(f"{what} at index {self.at} in '{shown}'", reason=what, position=self.at)

    def at_end(self) -> bool:
        """Whether the whole text has been read."""
        return self.at >= len(self.text)

    def looking_at(self, token: str) -> bool:
        """Whether the token comes next."""
        return self.text.startswith(token, self.at)

    def take(self, token: str) -> bool:
        """Take the token, if it comes next."""
        found = self.text.startswith(token, self.at)
        if found:
            self.at += len(token)
        return found

    def expect(self, token: str) -> None:
        """Take the token. Raises SyntaxProblem when it does not come next."""
        if not self.take(token):
            raise self.error(f"expected '{token}'")

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Take the text that the pattern matches, if any."""
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found.group()

    def spaces(self) -> None:
        """Skip white space."""
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
            self.at += 1

    def symbol(self, token: str) -> bool:
        """Take the token, with the spaces around it, if it comes next."""
        self.spaces()
        found = self.take(token)
        self.spaces()
        return found
