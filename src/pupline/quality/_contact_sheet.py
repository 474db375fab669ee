"""A page to look at: groups of near-duplicates and the worst pictures by each score, in one HTML file.

It needs no network, runs no script, and holds small JPEGs of its own making, so it can be mailed or archived. Its size
is bounded: so many groups, so many pictures in each.
"""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from pupline.errors import ConfigurationError
from pupline.text import plural, printable

MAX_GROUPS = 100
MAX_MEMBERS = 12
MAX_WORST = 24
_SCORES: Mapping[str, str] = {
    "blur": "Most blurred",
    "darkness": "Darkest",
    "single_colour": "Nearest to a single colour",
}

_STYLE = (
    ":root{color-scheme:light dark;--ink:#222;--ground:#fff;--line:#ccc;--keeper:#080}"
    "@media(prefers-color-scheme:dark){:root{--ink:#ddd;--ground:#181818;--line:#444;--keeper:#5c5}}"
    "body{font:14px/1.4 system-ui,sans-serif;margin:1.5rem;background:var(--ground);color:var(--ink)}"
    "h2{font-size:1.1rem}h3{font-size:.9rem;margin:0 0 .3rem}"
    ".groups{display:flex;flex-wrap:wrap;gap:.75rem}"
    "section{border-top:1px solid var(--line);padding:.5rem 0}"
    ".groups section{border:1px solid var(--line);padding:.5rem}"
    "ul{display:flex;flex-wrap:wrap;gap:.5rem;list-style:none;padding:0;margin:0}"
    "li{width:140px;overflow-wrap:anywhere;font-size:12px;padding:5px;border:2px solid transparent}"
    "li.keeper{border-color:var(--keeper)}img{max-width:140px;max-height:140px;display:block}"
)
_HEAD = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; style-src'
    " 'unsafe-inline'\">\n"
    '<meta name="viewport" content="width=device-width"><title>{title}</title>\n<style>{style}</style></head><body>\n'
)


@dataclass(slots=True)
class ContactSheet:
    """What the page will show. It gets every line of `quality.jsonl`."""

    groups: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    worst: dict[str, list[Mapping[str, Any]]] = field(default_factory=lambda: {name: [] for name in _SCORES})

    def add(self, line: Mapping[str, Any]) -> None:
        """Consider one line."""
        if line["group"]:
            self.groups.setdefault(line["group"], []).append(line)
        for name, found in self.worst.items():
            if line[name] is not None:
                found.append(line)
                if len(found) > 4 * MAX_WORST:
                    self.worst[name] = _highest(found, name)

    def shown_groups(self) -> list[list[Mapping[str, Any]]]:
        """The groups on the page, the largest first; the keeper of each first."""
        ranked = sorted(self.groups.values(), key=lambda found: (-len(found), found[0]["group"]))
        return [sorted(found, key=_keeper_first)[:MAX_MEMBERS] for found in ranked[:MAX_GROUPS]]

    def shown_worst(self, name: str) -> list[Mapping[str, Any]]:
        """The pictures with the highest score."""
        return _highest(self.worst[name], name)

    def shown(self) -> list[str]:
        """The SHA-256 of every picture on the page."""
        groups = [line for found in self.shown_groups() for line in found]
        worst = [line for name in _SCORES for line in self.shown_worst(name)]
        return list(dict.fromkeys(line["sha256"] for line in [*groups, *worst]))


def write_contact_sheet(path: Path, sheet: ContactSheet, dataset: str, pictures: Mapping[str, str]) -> None:
    """Write the page, whole or not at all. pictures: JPEGs in Base64, by SHA-256. Raises: ConfigurationError."""
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}")
    try:
        try:
            with temporary.open("x", encoding="utf-8", errors="replace") as file:
                file.writelines(_page(sheet, dataset, pictures))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as err:
        raise ConfigurationError(f"--contact-sheet {printable(str(path))} cannot be written: {err.strerror}") from err


def _page(sheet: ContactSheet, dataset: str, pictures: Mapping[str, str]) -> Iterator[str]:
    title = f"Quality of {_safe(dataset)}"
    yield _HEAD.format(title=title, style=_STYLE)
    groups = sheet.shown_groups()
    of_all = f"{len(groups):,} of {plural(len(sheet.groups), 'group')}"
    yield f"<h1>{title}</h1>\n<h2>Near-duplicates: {of_all}, the largest first; the suggested keeper is framed</h2>\n"
    yield '<div class="groups">\n'
    for found in groups:
        size = len(sheet.groups[found[0]["group"]])
        yield f"<section><h3>{plural(size, 'image')}</h3><ul>\n"
        yield from (_figure(line, pictures, _group_note(line)) for line in found)
        yield "</ul></section>\n"
    yield "</div>\n"
    for name, heading in _SCORES.items():
        yield f"<section><h2>{heading}</h2><ul>\n"
        yield from (_figure(line, pictures, f"{name} {line[name]:.2f}") for line in sheet.shown_worst(name))
        yield "</ul></section>\n"
    yield "</body></html>\n"


def _figure(line: Mapping[str, Any], pictures: Mapping[str, str], note: str) -> str:
    jpeg = pictures.get(line["sha256"])
    image = f'<img alt="" src="data:image/jpeg;base64,{escape(jpeg)}">' if jpeg else "(not readable)"
    kind = ' class="keeper"' if line["keeper_reason"] else ""
    size = f"{line['width']} x {line['height']}, {line['size_bytes']:,} bytes" if line["width"] else ""
    return (
        f"<li{kind}>{image}{_safe(line['image_name'])}<br>{size}<br>{_safe(note)}<br>"
        f"<code>{escape(line['sha256'][:12])}</code></li>\n"
    )


def _group_note(line: Mapping[str, Any]) -> str:
    decided = f"review: {line['review']}; " if line["review"] else ""
    return decided + (f"keep ({line['keeper_reason']})" if line["keeper_reason"] else f"{line['group_distance']} bits")


def _safe(text: str) -> str:
    return escape(printable(text, 120))


def _keeper_first(line: Mapping[str, Any]) -> tuple[bool, int, str]:
    return not line["keeper_reason"], line["group_distance"], line["sha256"]


def _highest(lines: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    return sorted(lines, key=lambda line: (-line[name], line["sha256"]))[:MAX_WORST]
