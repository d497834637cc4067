"""Pictures of a simulated network: charts in one SVG file that needs nothing beside itself."""

import html
import math
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from numen.sim.trust import Report

WIDTH: Final = 420
HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 18, 46, 46

_COLOURS: Final = ("#c8502b", "#2b6cb0", "#2f855a", "#805ad5", "#975a16")
_STYLE: Final = """
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 14px; } .faint { fill: #737d8a; font-size: 11px; }
.grid { stroke: #e4e1d9; } .axis { stroke: #8b929b; }
.over { paint-order: stroke; stroke: #fbfaf7; stroke-width: 5px; }
"""


class Curve(msgspec.Struct, frozen=True):
    """A line of a chart.

    Attributes:
        name: For the legend.
        points: From left to right.
    """

    name: str
    points: tuple[tuple[float, float], ...]


def draw(report: Report) -> str:
    """Draw three charts: false trust over sleepers, bytes of the modes, and healing."""
    charts = (
        _chart("Liars trusted, and honest nodes distrusted", "share of sleepers", _wrong(report)),
        _bars("Bytes a node receives a round, by powers of ten", report),
        _chart("In one piece, after nine in ten vanish", "round", [_healing(report)]),
    )
    width, height = WIDTH * len(charts), HEIGHT + 24
    body = "".join(
        f'<g transform="translate({index * WIDTH},0)">{"".join(chart)}</g>'
        for index, chart in enumerate(charts)
    )
    caption = f"{report.nodes} nodes, {report.degree} links each, seed {report.seed}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}"><style>{_STYLE}</style>'
        f'<rect width="{width}" height="{height}" fill="#fbfaf7"/>{body}'
        f'<text class="faint" x="16" y="{height - 10}">{html.escape(caption)}</text></svg>\n'
    )


def _wrong(report: Report) -> list[Curve]:
    rows = report.wrong
    return [
        Curve("plain: liars", tuple((r.sleepers, r.plain.false_trust) for r in rows)),
        Curve("majority: liars", tuple((r.sleepers, r.majority.false_trust) for r in rows)),
        Curve(
            "majority: honest distrusted",
            tuple((r.sleepers, r.majority.false_distrust) for r in rows),
        ),
    ]


def _healing(report: Report) -> Curve:
    shares = (report.healing.before, *report.healing.after)
    return Curve("largest piece", tuple((float(at), share) for at, share in enumerate(shares)))


def _chart(title: str, below: str, curves: Sequence[Curve]) -> Iterator[str]:
    """Curves of shares from 0 to 1."""
    right = max(x for curve in curves for x, _ in curve.points) or 1.0
    across, down = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    yield f'<text class="title" x="{_LEFT}" y="24">{html.escape(title)}</text>'
    for tick in range(5):
        y = HEIGHT - _BOTTOM - down * tick / 4
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick * 25} %</text>'
        x, value = _LEFT + across * tick / 4, right * tick / 4
        yield (
            f'<text class="faint" x="{x:.1f}" y="{HEIGHT - _BOTTOM + 18}" text-anchor="middle">'
            f"{value:g}</text>"
        )
    yield (
        f'<text class="faint" x="{_LEFT + across / 2}" y="{HEIGHT - 10}" text-anchor="middle">'
        f"{html.escape(below)}</text>"
    )
    for index, curve in enumerate(curves):
        colour = _COLOURS[index]
        places = " ".join(
            f"{_LEFT + across * x / right:.1f},{HEIGHT - _BOTTOM - down * y:.1f}"
            for x, y in curve.points
        )
        yield f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
        yield (
            f'<text x="{_LEFT + across * 0.3:.0f}" y="{_TOP + 44 + 17 * index}" '
            f'style="fill:{colour}">{html.escape(curve.name)}</text>'
        )


def _bars(title: str, report: Report) -> Iterator[str]:
    """Bytes of each mode, on a scale of powers of ten, with the floor."""
    across = WIDTH - _RIGHT - 24
    least = 100.0
    most = max(spread.bytes_a_round for spread in report.spreads)
    span = max(1.0, math.log10(most / least))

    def length(value: float) -> float:
        return across * max(0.0, math.log10(max(value, least) / least)) / span

    yield f'<text class="title" x="24" y="24">{html.escape(title)}</text>'
    floor = 24 + length(report.spreads[0].floor)
    yield (
        f'<line class="axis" stroke-dasharray="4 3" x1="{floor:.1f}" x2="{floor:.1f}" '
        f'y1="{_TOP}" y2="{HEIGHT - 30}"/>'
        f'<text class="faint" x="{floor:.1f}" y="{HEIGHT - 14}" text-anchor="middle">'
        f"every verdict once</text>"
    )
    for index, spread in enumerate(report.spreads):
        y, wide = _TOP + 44 * index, length(spread.bytes_a_round)
        rounds = "never known to 99 %" if spread.rounds is None else f"{spread.rounds:.1f} rounds"
        says = f"{spread.mode.value}: {spread.bytes_a_round / 1024:,.1f} KiB, {rounds}"
        yield f'<text class="over" x="24" y="{y + 12}">{html.escape(says)}</text>'
        yield (
            f'<rect x="24" y="{y + 18}" width="{wide:.1f}" height="13" rx="3" '
            f'fill="{_COLOURS[index]}"/>'
        )
