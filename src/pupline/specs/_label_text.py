"""Several labels in one text, as tables write a list: `["pug","hound"]` in JSON, `['pug', 'hound']` from Python,
`['pug' 'hound']` from NumPy, `[pug, hound]` from Spark, `{pug,"afghan hound"}` from PostgreSQL.

A text without brackets around it is one label, whatever is in it: `hound, afghan` may be the name of a breed.
"""

import re
from typing import Final

_BRACKETS: Final = {"[": "]", "{": "}", "(": ")"}
_QUOTED = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*(,|\Z|(?=["']))""", re.DOTALL)
_BARE = re.compile(r"""([^"'\[\]{}(),]+)(,|\Z)""")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ABSENT: Final = frozenset({"null", "none", "nan"})


def labels_in(text: str) -> list[str]:
    """The labels in `text`: those of a list, or the text itself."""
    bare = text.strip()
    if len(bare) < 2 or _BRACKETS.get(bare[0]) != bare[-1]:
        return [text]
    inside = bare[1:-1].strip()
    found: list[str] = []
    at = 0
    while at < len(inside):
        one = _QUOTED.match(inside, at) or _BARE.match(inside, at)
        if one is None:
            return [text]
        at = one.end()
        if one.re is _QUOTED:
            found.append(_ESCAPE.sub(r"\1", one[1] if one[1] is not None else one[2]))
        elif not (bare_label := one[1].strip()):
            return [text]
        elif bare_label.lower() not in _ABSENT:
            found.append(bare_label)
    if not found and inside:
        return [text] if inside.lower() not in _ABSENT else []
    # `(see the box)` is a remark: only a tuple of several has round brackets.
    return found if bare[0] != "(" or len(found) > 1 else [text]
