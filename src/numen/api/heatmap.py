"""What a program costs, drawn over its source: one page that needs nothing beside itself.

The page has no scripts, and its policy forbids any: what is in a source text is shown and never
followed. It is well-formed XML too, so that any reader of either kind can check it.
"""

import html
import math
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from numen.api.inspection import Inspection, Line
from numen.lang.modules import STANDARD, standard_text

_LINES_MAX: Final = 100_000
"""Lines of a file that are drawn."""

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""What the page may load and run: nothing."""

_STYLE: Final = """
:root { color-scheme: light dark; --ground: #fbfaf7; --ink: #24292f; --faint: #8b929b;
  --rule: #e4e1d9; --heat: 222, 92, 43; --card: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171c; --ink: #d9dee5; --faint: #737d8a;
  --rule: #2a2f37; --heat: 255, 122, 61; --card: #1c2027; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2.5rem 1.5rem 6rem; background: var(--ground);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.55rem; margin: 0 0 .2rem; letter-spacing: -.01em; }
h2 { font: 600 .95rem ui-monospace, monospace; margin: 2.4rem 0 .6rem; }
h2 small { font-weight: 400; color: var(--faint); margin-left: .8rem; }
p.id { color: var(--faint); font: .8rem ui-monospace, monospace; margin: 0 0 1.4rem;
  overflow-wrap: anywhere; }
dl { display: flex; flex-wrap: wrap; gap: .8rem; margin: 0; }
dl div { background: var(--card); border: 1px solid var(--rule); border-radius: .6rem;
  padding: .6rem 1rem; min-width: 8.5rem; }
dt { color: var(--faint); font-size: .78rem; }
dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.said { background: var(--card); border: 1px solid var(--rule); border-left: 4px solid
  rgb(var(--heat)); border-radius: .4rem; margin: 1rem 0 0; padding: .7rem 1rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font: .85rem/1.5 ui-monospace, monospace; }
.sheet { border: 1px solid var(--rule); border-radius: .6rem; background: var(--card);
  overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font: 13px/1.65 ui-monospace, monospace; }
th { color: var(--faint); font-weight: 400; font-size: .75rem; text-align: right;
  padding: .35rem .8rem; border-bottom: 1px solid var(--rule); }
th:last-child { text-align: left; }
td { padding: 0 .8rem; white-space: pre; vertical-align: top; }
td.n { color: var(--faint); text-align: right; font-variant-numeric: tabular-nums; width: 1%;
  user-select: none; }
td.c { text-align: right; font-variant-numeric: tabular-nums; width: 1%; }
td.bar { width: 8rem; min-width: 8rem; padding: 0 .4rem; vertical-align: middle; }
td.bar i { display: block; min-width: 3px; height: .6rem; border-radius: .3rem;
  background: rgb(var(--heat)); }
tr:hover td { box-shadow: inset 0 1px var(--rule), inset 0 -1px var(--rule); }
td.src { position: relative; }
td.src span.tip { display: none; position: absolute; right: .6rem; top: 1.5rem; z-index: 2;
  background: var(--ink); color: var(--ground); border-radius: .5rem; padding: .5rem .8rem;
  white-space: pre; font-size: .8rem; line-height: 1.5; pointer-events: none;
  box-shadow: 0 6px 24px rgba(0, 0, 0, .25); }
tr:hover td.src span.tip { display: block; }
tr:nth-last-child(-n+4) td.src span.tip { top: auto; bottom: 1.5rem; }
ul { padding-left: 1.2rem; } li { overflow-wrap: anywhere; }
"""


def draw(found: Inspection, file: str, text: str) -> str:
    """Draw an inspection.

    Args:
        found: The costs.
        file: Name of the program's main file.
        text: The source in that file, or empty.

    Returns:
        An HTML page, well-formed as XML.
    """
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8" />',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}" />',
        '<meta name="viewport" content="width=device-width, initial-scale=1" />',
        f"<title>{_safe(file)}: what it costs</title><style>{_STYLE}</style></head><body>",
        f'<h1>{_safe(file)}</h1><p class="id">program {_safe(found.program)}</p>',
        *_totals(found),
        *_sheets(found, file, text),
        *_pins(found),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _safe(text: str) -> str:
    """Text as it may stand in a page: nothing in it is markup, nothing hides or turns around."""
    return "".join(map(_visible, html.escape(text, quote=True)))


def _visible(letter: str) -> str:
    if letter == "\t" or (letter.isprintable() and unicodedata.category(letter) != "Cn"):
        return letter
    return f"⟨{ord(letter):04X}⟩"


def _totals(found: Inspection) -> Iterator[str]:
    counted = sum(line.constraints or 0 for line in found.lines)
    cards = [("work units, each instruction once", f"{found.work:,}")]
    if found.constraints is not None:
        cards = [
            ("constraints", f"{found.constraints:,}"),
            ("in the source", f"{counted:,}"),
            ("types of inputs, outputs", f"{found.constraints - counted:,}"),
            *cards,
            ("free wires", f"{len(found.free):,}"),
        ]
    if found.loose is not None:
        cards.append(("not shown to be pinned", f"{len(found.loose):,}"))
    items = "".join(f"<div><dt>{_safe(a)}</dt><dd>{_safe(b)}</dd></div>" for a, b in cards)
    yield f"<dl>{items}</dl>"
    if found.refusal:
        lines = "\n".join(_safe(line) for line in found.refusal.split("\n"))
        yield f'<p class="said">no circuit: {lines}</p>'


def _sheets(found: Inspection, file: str, text: str) -> Iterator[str]:
    """The files, the main one first, then the most expensive."""
    by_file: dict[str, dict[int, Line]] = {}
    for line in found.lines:
        by_file.setdefault(line.file, {})[line.line] = line
    by_file.setdefault(file, {})
    most = max((_cost(line, found) for line in found.lines), default=0)
    order = sorted(by_file, key=lambda name: (name != file, -_sum(by_file[name].values(), found)))
    for name in order:
        source = text if name == file else _standard(name)
        count = _sum(by_file[name].values(), found)
        unit = "work units" if found.constraints is None else "constraints"
        yield f"<h2>{_safe(name)}<small>{count:,} {unit}</small></h2>"
        yield '<div class="sheet"><table>'
        yield (
            "<thead><tr><th>line</th><th>constraints</th><th></th><th>work</th><th>source</th>"
            "</tr></thead><tbody>"
        )
        yield from _rows(source, by_file[name], found, most)
        yield "</tbody></table></div>"


def _standard(file: str) -> str:
    """The text of a standard module, which comes with the language."""
    name = file.removeprefix("numen/std/").removesuffix(".numen")
    return standard_text(name).text if name in STANDARD else ""


def _cost(line: Line, found: Inspection) -> int:
    """What a line is coloured by: its constraints, or without a circuit its work."""
    return line.work if found.constraints is None else line.constraints or 0


def _sum(lines: Iterable[Line], found: Inspection) -> int:
    return sum(_cost(line, found) for line in lines)


def _rows(source: str, lines: dict[int, Line], found: Inspection, most: int) -> Iterator[str]:
    texts = source.split("\n")[:_LINES_MAX] if source else []
    while texts and not texts[-1].strip():
        texts.pop()
    numbers = sorted({*range(1, len(texts) + 1), *lines})
    for number in numbers:
        text = _safe(texts[number - 1].rstrip()) if number <= len(texts) else ""
        line = lines.get(number)
        if line is None:
            yield (
                f'<tr><td class="n">{number}</td><td></td><td></td><td></td>'
                f'<td class="src">{text}</td></tr>'
            )
            continue
        share = _cost(line, found) / most if most else 0
        # Costs differ by orders of magnitude: the root keeps the small ones in sight.
        heat = f"background: rgba(var(--heat), {0.42 * math.sqrt(share):.3f})" if share else ""
        bar = f'<i style="width: {max(100 * share, 1):.1f}%"></i>' if share else ""
        count = "" if line.constraints is None else f"{line.constraints:,}"
        yield (
            f'<tr style="{heat}"><td class="n">{number}</td><td class="c">{count}</td>'
            f'<td class="bar">{bar}</td><td class="n">{line.work:,}</td>'
            f'<td class="src">{text}<span class="tip">{_tip(line, found)}</span></td></tr>'
        )


def _tip(line: Line, found: Inspection) -> str:
    """What is shown of a line when it is pointed at."""
    parts = [f"line {line.line}: {line.work:,} work units"]
    if line.constraints is not None and found.constraints:
        share = 100 * line.constraints / found.constraints
        parts[0] = f"line {line.line}: {line.constraints:,} constraints, {share:.1f} % of all"
        parts.append(f"{line.work:,} work units")
    parts += [f"{count:,} x {role}" for role, count in line.wires.items()]
    return "\n".join(map(_safe, parts))


def _pins(found: Inspection) -> Iterator[str]:
    """Wires that a proof does not pin down, grouped by reason, and those that nothing shows."""
    if found.free:
        yield "<h2>free wires</h2><ul>"
        reasons: dict[str, list[str]] = {}
        for free in found.free:
            reasons.setdefault(free.reason, []).append(free.name)
        for reason, names in reasons.items():
            shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
            yield f"<li>{_safe(reason)} ({len(names):,}): {_safe(shown)}</li>"
        yield "</ul>"
    if found.loose:
        shown = ", ".join(found.loose[:40]) + (", …" if len(found.loose) > 40 else "")
        yield f"<h2>not shown to be pinned</h2><p>{_safe(shown)}</p>"
