"""Print what the proofs of a STARK are worth, challenge by challenge.

    python tools/soundness.py --log-rows 18 --columns 160 --constraints 150 --messages 80

The table is that of one chip of so many columns, constraints and messages a row, for each profile
and regime; `numen verify` says the least of a proof's own. `numen.proof.stark.soundness` has the
formulas and where they come from.
"""

import argparse
import sys
from collections.abc import Iterator
from typing import Final

from numen.proof.stark import soundness
from numen.proof.stark.air import ChipBuilder, Machine
from numen.proof.stark.layout import Layout, layout_of
from numen.proof.stark.profile import PROFILES, Profile
from numen.proof.stark.soundness import Regime

MESSAGE_LENGTH: Final = 7
"""Values of a message; soundness does not depend on it."""


def layout(
    profile: Profile, log_rows: int, columns: int, constraints: int, messages: int
) -> Layout:
    """The layout of a chip that does nothing but be of a size."""
    b = ChipBuilder("chip")
    found = b.columns("x", columns)
    for i in range(constraints):
        here, there = found[i % columns], found[i * 7 % columns]
        b.require(f"constraint {i}", here * (there.next - i))
    for i in range(messages):
        b.send("bus", [found[(i + j) % columns] for j in range(MESSAGE_LENGTH)], 1)
    return layout_of(Machine.of([b.build()]), profile, [log_rows])


def table(profile: Profile, of: Layout) -> Iterator[str]:
    """The lines of one profile."""
    bits = soundness.bits(of)
    hides = "hides" if profile.is_hiding else "integrity only"
    yield f"{profile.name}: {bits.proven} bits proven, {bits.conjectured} conjectured, {hides}"
    parameters = soundness.parameters_of(of)
    columns = [soundness.rounds(parameters, regime) for regime in Regime]
    yield f"  {'':16}" + "".join(f"{regime.value:>18}" for regime in Regime)
    for name in columns[0]:
        yield f"  {name:16}" + "".join(f"{column[name]:18}" for column in columns)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log-rows", type=int, default=18)
    parser.add_argument("--columns", type=int, default=160)
    parser.add_argument("--constraints", type=int, default=150)
    parser.add_argument("--messages", type=int, default=80)
    options = parser.parse_args()
    sizes = (options.log_rows, options.columns, options.constraints, options.messages)
    for profile in PROFILES.values():
        sys.stdout.writelines(f"{line}\n" for line in table(profile, layout(profile, *sizes)))


if __name__ == "__main__":
    main()
