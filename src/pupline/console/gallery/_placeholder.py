"""A drawing in the place of a picture that cannot be shown: it says why."""

from html import escape
from textwrap import wrap

from pupline.text import printable

_SIDE = 320
_LINE_CHARACTERS = 34
_LINES = 3
_LINE_HEIGHT = 20
_INK = "#7d8794"  # readable on a light and on a dark page

WORDS = {
    "unsupported": "No preview of this format",
    "damaged": "Cannot be decoded",
    "too_many_pixels": "Too many pixels for a preview",
    "memory": "Needs too much memory",
    "timeout": "Takes too long to decode",
    "crashed": "Ends its decoder",
    "too_large": "Too large for a preview",
    "no_decoder": "No preview without Pillow",
    "gone": "No longer stored",
    "changed": "Changed after it was stored",
    "quarantined": "In quarantine, not shown",
    "busy": "Not ready yet",
}
"""Why there is no picture, by reason."""


def drawn(reason: str, detail: str = "") -> bytes:
    """An SVG with a crossed-out picture, the reason and the detail. Its text is escaped."""
    lines = wrap(printable(detail, _LINE_CHARACTERS * _LINES), _LINE_CHARACTERS)[:_LINES]
    texts = "".join(
        f'<text x="160" y="{226 + number * _LINE_HEIGHT}" font-size="14">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_SIDE}" height="{_SIDE}" viewBox="0 0 {_SIDE} {_SIDE}">'
        f'<g fill="none" stroke="{_INK}" stroke-width="6" stroke-linejoin="round" stroke-linecap="round">'
        '<rect x="112" y="78" width="96" height="76" rx="8"/>'
        '<path d="m120 146 26-30 18 18 14-14 24 26M100 66l120 100"/>'
        f'</g><g fill="{_INK}" font-family="sans-serif" text-anchor="middle">'
        f'<text x="160" y="200" font-size="17" font-weight="600">{escape(WORDS.get(reason, WORDS["damaged"]))}</text>'
        f"{texts}</g></svg>"
    ).encode()
