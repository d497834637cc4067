"""How long proofs are: an account of every byte, which agrees with proofs of any size."""

import random

import pytest

from numen.proof.stark import fri, merkle
from numen.proof.stark.air import PREPROCESSED
from numen.proof.stark.layout import Layout
from numen.proof.stark.proof import nonces_count
from numen.proof.stark.verifier import verify
from tests.proof.stark.test_soundness import machine_layout
from tests.proof.stark.toys import TINIES, memory, proven


def opening_bytes(shape: merkle.Shape, indices: list[int], log: int) -> int:
    total = 4
    for log_leaves, width in shape:
        total += 2 + 4 * width * len(merkle.places(indices, log_leaves, log))
    start = merkle.places(indices, shape[0][0], log)
    return total + 32 * sum(map(len, merkle.siblings_needed(start, shape[0][0])))


def proof_bytes(layout: Layout, indices: list[int]) -> int:
    """The length of a proof that is opened at some places."""
    profile, log = layout.profile, layout.heights[0] + layout.profile.log_blowup
    elements = len(layout.summed) + layout.values_count + layout.final_length
    roots = sum(tree.name != PREPROCESSED for tree in layout.trees) + len(layout.layers)
    head = 8 + len(profile.name) + len(layout.log_rows) + 8 * nonces_count(layout)
    shapes = [tree.shape for tree in layout.trees]
    shapes += [fri.layer_shape(layout, place) for place in range(len(layout.layers))]
    openings = sum(opening_bytes(shape, indices, log) for shape in shapes)
    return head + 32 * roots + 4 * profile.degree * elements + openings


@pytest.mark.parametrize("profile", TINIES, ids=lambda profile: profile.name)
def test_every_byte_is_accounted_for(profile, monkeypatch):
    told, data = proven(memory(), profile)
    drawn: list[list[int]] = []
    watched = merkle.verify

    def watch(*arguments) -> None:
        drawn.append(arguments[4])
        watched(*arguments)

    monkeypatch.setattr(merkle, "verify", watch)
    layout, _ = verify(told, data)

    assert proof_bytes(layout, drawn[0]) == len(data)


@pytest.mark.parametrize(("name", "kib"), [("fast", 360), ("proven", 310), ("proven-zk", 350)])
def test_a_proof_of_a_wide_machine_is_short(name, kib):
    layout = machine_layout(name, 18, 60, 20)
    log, rng = layout.heights[0] + layout.profile.log_blowup, random.Random(1)
    indices = [rng.randrange(1 << log) for _ in range(layout.profile.queries)]

    assert proof_bytes(layout, indices) < kib * 1024
