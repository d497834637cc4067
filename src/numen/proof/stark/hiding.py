"""What hiding profiles add to a machine, so that the totals of its chips say nothing.

The total of a chip's fractions is in the proof, and it is a function of the chip's table. So each
chip that exchanges messages also sends a random message, and receives the random message of the
next one, in its first row. With as many random values as the extension has coordinates, the
fingerprint of such a message is uniform, and the totals are uniform but for their sum.

Everything else of a proof is hidden by the masks of `layout` and `domain.extend`: each polynomial
has as many random coefficients as its openings show values, quotients are cut with a random part,
and a random polynomial is a part of each batch that is folded. A quotient at a query is a function
of the trace there and in the next row, so two values count for each query. Source: Haboeck,
Al Kindi, eprint 2024/1037.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from numen.proof.stark.air import MAIN_GROUP, Chip, Column, Interaction, Machine, Node, Op
from numen.proof.stark.errors import AirError
from numen.proof.stark.profile import Profile

BLIND: Final = "blinding of totals"
"""The bus of the random messages."""


def hidden(machine: Machine, profile: Profile) -> Machine:
    """The machine that proofs of a profile are about; the same one, where they hide nothing.

    Raises:
        AirError: The machine uses the bus `BLIND` itself.
    """
    if not profile.is_hiding:
        return machine
    if BLIND in machine.buses:
        raise AirError("machine", f"the bus {BLIND!r} is reserved")
    chips = (blinded(chip, profile.degree) for chip in machine.chips)
    return Machine.of(chips, machine.publics, machine.required)


def blinded(chip: Chip, degree: int) -> Chip:
    """A chip with the random messages: columns for its own, then for the one it receives."""
    if not chip.interactions:
        return chip
    names = [f"{kind}[{i}]" for kind in ("blind", "blind of the next") for i in range(degree)]
    start, places = len(chip.nodes), range(chip.width, chip.width + 2 * degree)
    nodes = [*(Node(Op.MAIN, place) for place in places), Node(Op.FIRST)]
    own = tuple(range(start, start + degree))
    other = tuple(range(start + degree, start + 2 * degree))
    first = start + 2 * degree
    return msgspec.structs.replace(
        chip,
        columns=(*chip.columns, *(Column(name, MAIN_GROUP) for name in names)),
        nodes=(*chip.nodes, *nodes),
        interactions=(
            *chip.interactions,
            Interaction(BLIND, own, first, 1, 1),
            Interaction(BLIND, other, first, -1, 1),
        ),
    )


def ring(names: Sequence[str]) -> Mapping[str, str]:
    """Whose random message each of some chips receives."""
    return dict(zip(names, [*names[1:], *names[:1]], strict=True))
