"""Bits of soundness, beside those that other people published and a second computation.

The vectors are from ethereum/soundcalc at commit 809896f: its report of Pico's riscv circuit, and
runs of it for a table of 2**20 rows and 110 columns, folded by 8.
"""

import math
from fractions import Fraction

import pytest

from numen.proof.stark import soundness
from numen.proof.stark.air import ChipBuilder, Machine
from numen.proof.stark.field import P
from numen.proof.stark.layout import Layout, layout_of
from numen.proof.stark.profile import PROFILES
from numen.proof.stark.soundness import HASH_BITS, Fold, Parameters, Regime
from tests.markdown import ROOT
from tests.proof.stark.toys import TINIES, memory, memory_machine
from tools import soundness as printer

GOLDILOCKS = 2**64 - 2**32 + 1

PICO = Parameters(
    field=P**4,
    subfield=0,
    rate=Fraction(1, 2),
    rows=1 << 22,
    constraints=4730,
    messages=0,
    batches=(Fold(1 << 23, 1435),),
    folds=tuple(Fold(1 << (22 - i), 2) for i in range(22)),
    queries=84,
    query_grinding=16,
    challenge_grinding=0,
)


def test_a_published_report_is_met_in_every_round():
    unique = soundness.rounds(PICO, Regime.UNIQUE)
    johnson = soundness.rounds(PICO, Regime.JOHNSON, Fraction(1, 40))

    assert [*unique.values()][:3] == [111, 99, 92]
    assert [*johnson.values()][:3] == [106, 95, 69]
    assert [unique[f"folding {i}"] for i in (0, 8, 18, 19, 21)] == [103, 111, 121, 122, 123]
    assert [johnson[f"folding {i}"] for i in (0, 8, 18, 19, 21)] == [81, 89, 99, 100, 102]
    assert (unique["queries"], johnson["queries"]) == (50, 53)


def calculated(field: int, log_blowup: int, queries: int, grinding: int) -> Parameters:
    """A table of 2**20 rows and 110 columns."""
    length = 1 << (20 + log_blowup)
    folds = [Fold(length >> 3 * i, 8) for i in range(1, 6)]
    return Parameters(
        field,
        0,
        Fraction(1, 1 << log_blowup),
        1 << 20,
        1000,
        0,
        (Fold(length, 110),),
        tuple(folds),
        queries,
        grinding,
        0,
    )


@pytest.mark.parametrize(
    ("field", "log_blowup", "queries", "grinding", "unique", "johnson"),
    [
        (P**4, 1, 84, 16, 50, 53),
        (P**4, 1, 193, 20, 98, 75),
        (P**4, 3, 97, 20, 95, 65),
        (P**6, 2, 80, 20, 74, 98),
        (P**6, 3, 54, 20, 64, 100),
        (GOLDILOCKS**3, 3, 54, 20, 64, 100),
        (GOLDILOCKS**3, 3, 73, 20, 80, 128),
    ],
)
def test_runs_of_another_calculator_are_met(field, log_blowup, queries, grinding, unique, johnson):
    parameters = calculated(field, log_blowup, queries, grinding)
    root = Fraction(math.isqrt(2 ** (120 - log_blowup)), 2**60)
    gap = root / 100 if field > 2**150 else max(Fraction(1, 20 << log_blowup), root / 100)

    found = soundness.rounds(parameters, Regime.JOHNSON, gap)

    assert soundness.least(parameters, Regime.UNIQUE) == unique
    assert min(HASH_BITS, *found.values()) == johnson
    assert soundness.least(parameters, Regime.JOHNSON) >= johnson


def floats(p: Parameters, m: int) -> dict[str, float]:
    """The Johnson regime from the formulas of the papers, in floating point."""
    rho, root = float(p.rate), math.sqrt(p.rate)
    eta = root / (2 * m)
    theta, listed = 1 - root - eta, 1 / (2 * eta * root)

    def joined(fold: Fold) -> float:
        top = 2 * (m + 0.5) ** 5 + 3 * (m + 0.5) * theta * rho
        per = top * fold.length / (3 * rho * root) + (m + 0.5) / root
        return math.log2(p.field / per / (fold.functions - 1))

    return {
        "logup": math.log2(p.field / (3 * listed * p.messages)),
        "constraints": math.log2(p.field / (listed * (p.constraints - 1))),
        "outside": math.log2((p.field - P) / (listed * (4 * p.rows + 2))),
        **{f"folding {i}": joined(fold) for i, fold in enumerate(p.folds)},
        "queries": -p.queries * math.log2(root + eta) + p.query_grinding,
    }


@pytest.mark.parametrize("m", [3, 10, 50])
@pytest.mark.parametrize("name", ["proven", "proven-zk"])
def test_a_second_computation_agrees(name, m):
    parameters = soundness.parameters_of(machine_layout(name, 18, 150))
    root = Fraction(math.isqrt(int(parameters.rate * 2**120)) + 1, 2**60)

    found = soundness.rounds(parameters, Regime.JOHNSON, root / (2 * m))

    expected = floats(parameters, m)
    for round_, value in expected.items():
        assert value - 1.01 <= found[round_] <= value + 0.001, round_
    least = min(found["batch"], *found.values())
    assert soundness.least(parameters, Regime.JOHNSON) >= min(HASH_BITS, least)


def machine_layout(profile: str, log_rows: int, width: int, messages: int = 40) -> Layout:
    """A machine as wide as the register machine, in chips of four heights."""
    chips = []
    for number in range(4):
        b = ChipBuilder(f"chip {number}")
        columns = b.columns("x", width)
        for i in range(200):
            x, y = columns[i % width], columns[(i + 1) % width]
            b.require(f"product {i}", x * y - columns[(i * i) % width].next)
        for i in range(messages):
            b.send("bus", [columns[(i + j) % width] for j in range(7)], columns[-1])
        chips.append(b.build())
    heights = [log_rows, log_rows - 2, 16, 4]
    return layout_of(Machine.of(chips), PROFILES[profile], heights)


@pytest.mark.parametrize("log_rows", [17, 18, 20])
def test_profiles_are_worth_a_hundred_bits(log_rows):
    for name in ("proven", "proven-zk"):
        assert soundness.bits(machine_layout(name, log_rows, 150)).proven >= 100
    for name in ("fast", "fast-zk"):
        found = soundness.bits(machine_layout(name, log_rows, 150))
        assert found.conjectured >= 100
        assert found.proven < 80


def test_nothing_is_worth_more_than_its_hash():
    parameters = calculated(P**6, 3, 500, 20)

    assert soundness.least(parameters, Regime.JOHNSON) == HASH_BITS
    assert soundness.bits(machine_layout("fast", 18, 60)).conjectured <= HASH_BITS


def test_a_profile_worth_nothing_claims_nothing():
    layout = layout_of(memory_machine(), TINIES[0], (5, 4, None, 4))

    assert soundness.bits(layout).proven <= 6
    assert soundness.bits(layout).conjectured <= 8


@pytest.mark.parametrize("name", ["fast-zk", "proven-zk"])
def test_hiding_profiles_have_randomness_enough(name):
    shape = [len(t).bit_length() - 1 for t in memory().traces.values()]
    layout = layout_of(memory_machine(), PROFILES[name], (shape[0], shape[1], None, shape[2]))

    assert any(tree.name == "image_in" for tree in layout.trees)
    assert soundness.hides(layout)
    assert not soundness.hides(layout_of(memory_machine(), PROFILES["fast"], layout.log_rows))


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_table_of_the_page_is_what_is_computed(profile):
    bits = soundness.bits(machine_layout(profile.name, 20, 150))
    row = (
        f"| `{profile.name}` | degree {profile.degree} | 1/{1 << profile.log_blowup} "
        f"| {profile.queries} | {profile.query_grinding} | {bits.proven} | {bits.conjectured} "
        f"| {'yes' if profile.is_hiding else 'no'} |"
    )

    assert row in (ROOT / "docs/proofs.md").read_text().splitlines()


def test_the_tool_prints_every_challenge_of_every_profile():
    for profile in PROFILES.values():
        of = printer.layout(profile, 18, 160, 150, 80)
        lines = list(printer.table(profile, of))

        bits = soundness.bits(of)
        assert lines[0].startswith(f"{profile.name}: {bits.proven} bits proven, ")
        assert f"{bits.conjectured} conjectured" in lines[0]
        names = soundness.rounds(soundness.parameters_of(of), Regime.UNIQUE)
        assert [line[2:18].strip() for line in lines[2:]] == list(names)
        least = [min(int(line[18 * i : 18 * i + 18]) for line in lines[2:]) for i in (1, 2, 3)]
        assert min(HASH_BITS, max(least[:2])) == bits.proven
        assert min(HASH_BITS, max(least)) == bits.conjectured
