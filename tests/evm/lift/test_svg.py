"""Drawings are well formed, bounded, and nothing lies over anything else."""

import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.evm.forks import fork
from numen.evm.lift.graph import contract_graph
from numen.evm.lift.instructions import disassemble
from numen.evm.lift.layout import place
from numen.evm.lift.reading import read_bytecode
from numen.evm.lift.svg import BOXES_MAX, draw
from tests.evm.tier.assembly import assemble

PRAGUE = fork("prague")
CONTRACTS = sorted((Path(__file__).parent / "contracts").glob("*.hex"))
NAMESPACE = "{http://www.w3.org/2000/svg}"


@st.composite
def graphs(draw):
    """Sizes of nodes, all reached from node 0, and edges between them."""
    count = draw(st.integers(1, 25))
    sizes = [(draw(st.integers(20, 250)), draw(st.integers(20, 90))) for _ in range(count)]
    edges = [(draw(st.integers(0, node - 1)), node) for node in range(1, count)]
    places = st.integers(0, count - 1)
    edges += draw(st.lists(st.tuples(places, places), max_size=20))
    return sizes, edges


@given(graph=graphs())
def test_boxes_do_not_overlap_and_ways_lead_down_but_back_edges(graph):
    sizes, edges = graph
    placed = place(sizes, edges)
    boxes = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(placed.boxes, sizes, strict=True)]

    assert len(placed.boxes) == len(sizes)
    for index, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0
        assert right <= placed.width
        assert bottom <= placed.height
        for other in boxes[:index]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
    for (a, b), route, is_back in zip(edges, placed.routes, placed.is_back, strict=True):
        if is_back:
            assert boxes[b][1] <= boxes[a][1]
            continue
        assert boxes[a][1] < boxes[b][1]
        heights = [boxes[a][1], *(y for _, y in route or ()), boxes[b][1]]
        assert all(upper < lower for upper, lower in pairwise(heights))


def test_a_diamond_is_drawn_as_one():
    placed = place([(50, 20)] * 4, [(0, 1), (0, 2), (1, 3), (2, 3)])
    (top, left, right, bottom) = placed.boxes

    assert left[1] == right[1]
    assert top[0] == bottom[0] == (left[0] + right[0]) // 2


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name)
def test_a_contract_is_drawn_with_all_its_blocks(path):
    graph = contract_graph(disassemble(read_bytecode(path.read_bytes()), PRAGUE))
    root = ET.fromstring(draw(graph, path.name))
    blocks = {context.block.start for context in graph.contexts}

    titles = root.findall(f".//{NAMESPACE}title")
    assert len(titles) == min(len(blocks), BOXES_MAX + 1)
    heads = {text.text.split("-")[0] for text in root.iter(f"{NAMESPACE}text") if text.text}
    assert len(heads & {f"{start:04x}" for start in blocks}) >= min(len(blocks), BOXES_MAX)


def test_a_large_contract_says_what_is_left_out():
    code = b"\x5b" * 5_000
    text = draw(contract_graph(disassemble(code, PRAGUE)))

    assert f"{5_000 - BOXES_MAX:,} more blocks" in text
    assert len(text) < 200_000


def test_names_are_text_and_not_markup():
    text = draw(contract_graph(disassemble(b"\0", PRAGUE)), "<script>&\"'")

    assert "<script>" not in text
    assert ET.fromstring(text) is not None


def test_branches_ends_and_loops_are_told_apart():
    text = draw(
        contract_graph(disassemble(assemble("9 a: 1 SWAP1 SUB DUP1 @a JUMPI 0 0 REVERT"), PRAGUE))
    )

    assert 'class="then back"' in text
    assert 'class="else"' in text
    assert '<g class="bad">' in text
