"""Conditions of a WHERE clause with their parameters."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pupline.local.database import storable
from pupline.tasks.pages import InvalidQuery

_REST = "substr(source_url, nullif(instr(source_url, '://'), 0) + 3)"
HOST = f"nullif(substr({_REST}, 1, instr({_REST} || '/', '/') - 1), '')"
"""The host, with its port, of the column source_url; NULL where there is none."""

RUN_PREFIX = "rtrim(execution, '0123456789')"
"""Of the column execution: `monday-` for the executions of the run `monday`."""

MAX_WORDS = 10
MAX_CHARACTERS = 500

_DATASET_RUNS = (
    "SELECT run_id{0} FROM ingests WHERE dataset IN (SELECT value FROM json_each(?1))"
    " UNION SELECT run_id{0} FROM runs WHERE json_extract(settings, '$.dataset') IN (SELECT value FROM json_each(?1))"
    " UNION SELECT run_id{0} FROM discarded_runs WHERE dataset IN (SELECT value FROM json_each(?1))"
)


@dataclass(slots=True)
class Conditions:
    """Conditions that must all hold. values: their parameters, in order."""

    texts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, text: str, *values: Any) -> None:
        """One condition. values: for its question marks."""
        self.texts.append(text)
        self.values += [storable(value) if isinstance(value, str) else value for value in values]

    def any_of(self, expression: str, values: Sequence[str]) -> None:
        """`expression` has one of the values; no values: no condition."""
        if values:
            self.add(f"{expression} IN ({', '.join('?' * len(values))})", *values)

    def of_datasets(self, expression: str, datasets: Sequence[str], suffix: str = "") -> None:
        """`expression` is the run ID, followed by `suffix`, of a run of these datasets."""
        if datasets:
            runs = _DATASET_RUNS.format(f" || '{suffix}'" if suffix else "").replace("?1", "?")
            self.add(f"{expression} IN ({runs})", *[json.dumps(list(datasets))] * 3)

    def words(self, text: str, plain: Sequence[str], encoded: Sequence[str] = (), also: str = "") -> None:
        """Each word of `text` occurs in one of the columns, in any case of ASCII letters.

        encoded: columns with JSON, in which characters beyond ASCII may be escaped. also: another condition that a word
        may meet, with question marks for its pattern.
        """
        for word in words_of(text):
            escaped = json.dumps(word)[1:-1]
            tests = [(column, word) for column in (*plain, *encoded)]
            tests += [(column, escaped) for column in encoded if escaped != word]
            texts = [f"{column} LIKE ? ESCAPE '\\'" for column, _ in tests]
            values = [_pattern(value) for _, value in tests]
            if also:
                texts.append(also)
                values += [_pattern(word)] * also.count("?")
            self.add(f"({' OR '.join(texts)})", *values)

    def all(self, more: Iterable[str] = ()) -> str:
        """The conditions, joined; `1` when there are none."""
        return " AND ".join([*self.texts, *more]) or "1"


def words_of(text: str) -> list[str]:
    """The words that are searched for. Raises: InvalidQuery for more than is sensible."""
    words = text.split()
    if len(words) > MAX_WORDS or len(text) > MAX_CHARACTERS:
        raise InvalidQuery(f"a search takes at most {MAX_WORDS} words and {MAX_CHARACTERS} characters")
    return words


def _pattern(word: str) -> str:
    """A pattern for LIKE, which is three times as fast as instr() of lower()."""
    for special in "\\%_":
        word = word.replace(special, f"\\{special}")
    return f"%{word}%"
