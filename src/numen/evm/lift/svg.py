"""The control-flow graph of a contract as a picture.

Each box is a basic block: where it stands, its static gas, how many contexts it is entered in, and
what it does beside moving the stack. A branch that is taken is green, one that is not is red; what
leads up is dashed. Boxes that end the frame are marked by how.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final
from xml.sax.saxutils import escape

import msgspec

from numen.evm.lift.graph import Graph
from numen.evm.lift.instructions import Block
from numen.evm.lift.layout import GAP_Y, Placed, place
from numen.evm.lift.listing import summary

BOXES_MAX: Final = 320
"""Most boxes of a picture; the blocks that are furthest from the entry are one box together."""

TEXT_LINES_MAX: Final = 5
"""Most lines of opcodes in a box."""

_TEXT_WIDTH: Final = 30
_CHAR_WIDTH: Final = 74
"""Of a letter, in tenths of a pixel."""

_LINE_HEIGHT, _PAD, _MARGIN, _TOP = 15, 8, 24, 78
_TITLE_LINES_MAX: Final = 60

_TIMES: Final = "\N{MULTIPLICATION SIGN}"

_STACK: Final = ("PUSH", "DUP", "SWAP", "POP", "JUMPDEST", "JUMP")

_STYLE: Final = """
text { font: 12px ui-monospace, 'DejaVu Sans Mono', Menlo, monospace; fill: #1d2430; }
.head { font-weight: bold; }
.note { fill: #5b6575; }
rect { fill: #f7f8fa; stroke: #8a94a6; rx: 4; }
.good rect { fill: #eaf6ec; stroke: #2e7d32; }
.bad rect { fill: #fdeeee; stroke: #c62828; }
.more rect { fill: #fff8e1; stroke: #b28704; stroke-dasharray: 4 3; }
path { fill: none; stroke: #64748b; stroke-width: 1.4; }
.then { stroke: #2e7d32; } .else { stroke: #c62828; }
.back { stroke-dasharray: 6 4; }
"""

_ENDS: Final = {
    "STOP": "good", "RETURN": "good", "SELFDESTRUCT": "good", "REVERT": "bad", "INVALID": "bad",
}  # fmt: skip


class Box(msgspec.Struct, frozen=True):
    """What is written about a block.

    Attributes:
        kind: "good", "bad", "more", or empty: how it is drawn.
        lines: The first is the head.
        title: What is shown when it is pointed at.
    """

    kind: str
    lines: tuple[str, ...]
    title: str


def draw(graph: Graph, name: str = "") -> str:
    """Draw a graph as SVG.

    Args:
        graph: Of any contract; large ones are cut at `BOXES_MAX` blocks.
        name: What is written above it, before its size.
    """
    starts, arrows = _blocks(graph)
    boxes = [_box(graph, start) for start in starts[:BOXES_MAX]]
    if len(starts) > BOXES_MAX:
        count = len(starts) - BOXES_MAX
        boxes.append(Box("more", (f"{count:,} more blocks",), "blocks that are not drawn"))
    last = len(boxes) - 1
    kept = dict.fromkeys(
        (min(a, last), min(b, last), kind)
        for a, b, kind in arrows
        if min(a, b) < BOXES_MAX or len(starts) <= BOXES_MAX
    )
    edges = [edge for edge in kept if edge[0] <= last]
    placed = place([_size(box) for box in boxes], [(a, b) for a, b, _ in edges])
    heading = f"{name}: {summary(graph)}" if name else summary(graph)
    return _write(boxes, edges, placed, heading)


def _blocks(graph: Graph) -> tuple[list[int], list[tuple[int, int, str]]]:
    """Blocks in the order in which they are reached, and the edges between them."""
    order: dict[int, int] = {}
    for context in graph.contexts:
        order.setdefault(context.block.start, len(order))
    edges = dict.fromkeys(
        (
            order[context.block.start],
            order[graph.contexts[edge.to].block.start],
            edge.kind,
        )
        for context in graph.contexts
        for edge in context.edges
    )
    return list(order), list(edges)


def _box(graph: Graph, start: int) -> Box:
    contexts = [context for context in graph.contexts if context.block.start == start]
    block = contexts[0].block
    last = block.last
    kind = "bad" if last.name.startswith("BAD_") else _ENDS.get(last.name, "")
    times = f"  {_TIMES}{len(contexts)}" if len(contexts) > 1 else ""
    head = f"{start:04x}-{last.offset:04x}  {block.gas:,} gas{times}"
    lines = [head, *_wrap(_words(block))]
    failures = sorted({context.failure for context in contexts if context.failure})
    lines += [f"! {failure}" for failure in failures]
    if any(context.unresolved is not None for context in contexts):
        lines.append("! jump to where is not known")
    listed = [
        f"{instr.offset:04x} {instr.name}"
        + (f" 0x{instr.value:x}" if instr.opcode.immediate else "")
        for instr in block.body[:_TITLE_LINES_MAX]
    ]
    if len(block.body) > _TITLE_LINES_MAX:
        listed.append(f"... {len(block.body) - _TITLE_LINES_MAX:,} more")
    return Box(kind, tuple(lines), "\n".join(listed))


def _words(block: Block) -> Iterable[str]:
    """What a block does beside moving the stack; repetitions are counted."""
    run, count = "", 0
    for instr in block.body:
        if instr.name.startswith(_STACK):
            continue
        if instr.name == run:
            count += 1
            continue
        if run:
            yield run if count == 1 else f"{run}{_TIMES}{count}"
        run, count = instr.name, 1
    if run:
        yield run if count == 1 else f"{run}{_TIMES}{count}"


def _wrap(words: Iterable[str]) -> list[str]:
    lines: list[str] = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _TEXT_WIDTH:
            if len(lines) == TEXT_LINES_MAX:
                lines[-1] = f"{lines[-1][: _TEXT_WIDTH - 1]}…"
                return lines
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines if lines[0] else []


def _size(box: Box) -> tuple[int, int]:
    width = max(len(line) for line in box.lines)
    return width * _CHAR_WIDTH // 10 + 2 * _PAD, len(box.lines) * _LINE_HEIGHT + 2 * _PAD - 3


def _write(
    boxes: Sequence[Box],
    edges: Sequence[tuple[int, int, str]],
    placed: Placed,
    heading: str,
) -> str:
    lanes = 42 if any(placed.is_back) else 0
    width = max(placed.width + lanes + 2 * _MARGIN, _CHAR_WIDTH * len(heading) // 10 + 60, 420)
    height = placed.height + _TOP + 2 * _MARGIN
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    legend = f"green: taken, red: not taken, dashed: back; {_TIMES}n: contexts"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        f"<style>{_STYLE}</style>",
        _markers(),
        '<rect width="100%" height="100%" style="fill: #ffffff; stroke: none"/>',
        f'<text class="head" x="{_MARGIN}" y="26">{escape(heading)}</text>',
        f'<text class="note" x="{_MARGIN}" y="46">{legend}</text>',
        f'<g transform="translate({_MARGIN},{_TOP})">',
    ]
    back = 0
    for index, (a, b, kind) in enumerate(edges):
        if placed.is_back[index]:
            back += 1
        parts.append(_edge(boxes, placed, index, a, b, kind, back))
    parts += [_draw_box(box, *placed.boxes[node]) for node, box in enumerate(boxes)]
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _markers() -> str:
    colours = {"jump": "#64748b", "then": "#2e7d32", "else": "#c62828"}
    heads = "".join(
        f'<marker id="{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" '
        f'style="fill: {colour}; stroke: none"/></marker>'
        for kind, colour in colours.items()
    )
    return f"<defs>{heads}</defs>"


def _edge(
    boxes: Sequence[Box], placed: Placed, index: int, a: int, b: int, kind: str, back: int
) -> str:
    (ax, ay), (bx, by) = placed.boxes[a], placed.boxes[b]
    (aw, ah), (bw, _) = _size(boxes[a]), _size(boxes[b])
    route = placed.routes[index]
    # The two ways of a branch leave beside each other.
    start = ax + aw // 2 + {"then": -aw // 6, "else": aw // 6}.get(kind, 0)
    marker = kind if kind in ("then", "else") else "jump"
    shape = f'marker-end="url(#{marker})"'
    if route is None:
        label = escape(f"to {boxes[b].lines[0].partition('-')[0]}")
        return f'<text class="note" x="{start + 4}" y="{ay + ah + 14}">{label}</text>'
    if placed.is_back[index]:
        return f'<path class="{kind} back" d="{_loop(boxes, placed, a, b, back)}" {shape}/>'
    points = [(start, ay + ah), *route, (bx + bw // 2, by - 1)]
    path = f"M{start} {ay + ah}"
    for (x, y), (to_x, to_y) in pairwise(points):
        half = min(GAP_Y, to_y - y) // 2
        path += f"C{x} {to_y - half} {to_x} {to_y - half - 4} {to_x} {to_y}"
    return f'<path class="{kind}" d="{path}" {shape}/>'


def _loop(boxes: Sequence[Box], placed: Placed, a: int, b: int, back: int) -> str:
    """A way up: under its own layer, past everything on the right, over the layer it leads to."""
    (ax, ay), (bx, by) = placed.boxes[a], placed.boxes[b]
    step = 5 * (back % 4)
    sizes = [_size(box) for box in boxes]
    under = max(y + size[1] for (_, y), size in zip(placed.boxes, sizes, strict=True) if y == ay)
    right = max(
        x + size[0] for (x, y), size in zip(placed.boxes, sizes, strict=True) if by <= y <= ay
    )
    lane, low, high = right + 12 + 2 * step, under + 6 + step, by - 8 - step
    start, end = ax + sizes[a][0] * 3 // 4, bx + sizes[b][0] * 3 // 4
    return f"M{start} {ay + sizes[a][1]}V{low}H{lane}V{high}H{end}V{by - 1}"


def _draw_box(box: Box, x: int, y: int) -> str:
    width, height = _size(box)
    lines = [
        f'<text class="{"" if index else "head"}" x="{x + _PAD}" '
        f'y="{y + _PAD + 9 + index * _LINE_HEIGHT}">{escape(line)}</text>'
        for index, line in enumerate(box.lines)
    ]
    return (
        f'<g class="{box.kind}"><title>{escape(box.title)}</title>'
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}"/>{"".join(lines)}</g>'
    )
