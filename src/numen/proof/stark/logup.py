"""LogUp: messages balance when a sum of fractions is zero.

A message on bus number b with values v has the fingerprint

    D = alpha - b - beta[0] v[0] - beta[1] v[1] - ...

for random alpha and independent random betas. If each message is sent as often as received, the
sum of ``multiplicity / D`` over all rows, chips and the statement is zero; else it is with a
probability of at most three times the number of messages over the size of the extension: a
message shares its fingerprint with another, a fingerprint is zero, or alpha is a root of the
sum's numerator.

A chip commits to a column of fractions for each pair of interactions, and to a column whose
difference from row to row is the sum of all, but for the average:

    pair    h D1 D2 = m1 D2 + m2 D1
    sum     s.next = s + h[0] + h[1] + ... - total / rows, in the last row too

so that the total is exactly the sum over all rows, without a boundary.

Source: Haboeck, eprint 2022/1530.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from numen.proof.stark.air import Chip, Interaction, Machine
from numen.proof.stark.errors import StarkRejectedError
from numen.proof.stark.evaluate import Algebra
from numen.proof.stark.field import Element, Extension, P
from numen.proof.stark.statement import PublicMessage
from numen.proof.stark.transcript import Transcript

B = TypeVar("B")
E = TypeVar("E")


class Challenges(msgspec.Struct, frozen=True):
    """What fingerprints are made with.

    Attributes:
        alpha: The point.
        betas: A factor for each value of a message.
    """

    alpha: Element
    betas: tuple[Element, ...]


def draw(transcript: Transcript, machine: Machine, ext: Extension) -> Challenges:
    """Draw the challenges of a machine."""
    longest = max((bus.length for bus in machine.buses.values()), default=0)
    alpha, *betas = transcript.elements("logup", ext, longest + 1)
    return Challenges(alpha, tuple(betas))


def pairs(chip: Chip) -> tuple[tuple[int, ...], ...]:
    """The interactions of each column of fractions: two, or one where the degrees ask for it.

    The product of the column with two fingerprints has degree 3 only if those are linear.
    """
    linear = [i for i, one in enumerate(chip.interactions) if one.degree <= 1]
    rest = [(i,) for i, one in enumerate(chip.interactions) if one.degree > 1]
    return (*(tuple(linear[i : i + 2]) for i in range(0, len(linear), 2)), *rest)


def width(chip: Chip) -> int:
    """Columns of the extension that a chip with interactions commits to; the sum is the last."""
    return len(pairs(chip)) + 1


class Terms(msgspec.Struct, frozen=True):
    """How to compute a fingerprint: over rows or over single elements.

    Attributes:
        challenges: What with.
        machine: Whose buses.
    """

    challenges: Challenges
    machine: Machine

    def fingerprint(
        self,
        interaction: Interaction,
        nodes: Sequence[B],
        algebra: Algebra[E],
        scale: Callable[[Element, B], E],
        lift: Callable[[Element], E],
    ) -> E:
        """The fingerprint of an interaction's message.

        Args:
            interaction: Which.
            nodes: The values of the chip's nodes.
            algebra: Of the result.
            scale: Multiplies a challenge and a value of a node.
            lift: Takes a challenge to the result's type.
        """
        number = self.machine.buses[interaction.bus].number
        alpha = self.challenges.alpha
        total = lift(((alpha[0] - number) % P, *alpha[1:]))
        for beta, node in zip(self.challenges.betas, interaction.values, strict=False):
            total = algebra.subtract(total, scale(beta, nodes[node]))
        return total


def constraints(
    chip: Chip,
    fingerprints: Sequence[E],
    multiplicities: Sequence[E],
    columns: tuple[Sequence[E], E],
    average: E,
    algebra: Algebra[E],
) -> list[E]:
    """What must vanish in every row: one for each column of fractions, and the sum.

    Args:
        chip: Which.
        fingerprints: Of each interaction.
        multiplicities: Of each, negative where it receives.
        columns: The committed columns in this row, and the sum in the next.
        average: The total over the number of rows.
        algebra: Of all of these.
    """
    (*fractions, running), following = columns
    found, total = [], algebra.subtract(running, average)
    for fraction, members in zip(fractions, pairs(chip), strict=True):
        total = algebra.add(total, fraction)
        if len(members) == 1:
            (i,) = members
            product = algebra.multiply(fraction, fingerprints[i])
            found.append(algebra.subtract(product, multiplicities[i]))
            continue
        i, j = members
        product = algebra.multiply(fingerprints[i], fingerprints[j])
        numerator = algebra.add(
            algebra.multiply(multiplicities[i], fingerprints[j]),
            algebra.multiply(multiplicities[j], fingerprints[i]),
        )
        found.append(algebra.subtract(algebra.multiply(fraction, product), numerator))
    return [*found, algebra.subtract(following, total)]


def public_sum(
    messages: Sequence[PublicMessage], machine: Machine, challenges: Challenges, ext: Extension
) -> Element:
    """The sum of the fractions of the statement's own messages.

    Raises:
        StarkRejectedError: A fingerprint is zero, which no honest prover meets but with
            negligible probability.
    """
    numerator, denominator = ext.zero, ext.one
    for message in messages:
        bus = machine.buses[message.bus]
        factor = ext.subtract(challenges.alpha, ext.lift(bus.number))
        for beta, value in zip(challenges.betas, message.values, strict=False):
            factor = ext.subtract(factor, ext.scale(beta, value))
        if factor == ext.zero:
            raise StarkRejectedError("messages", f"a fingerprint on {bus.name!r} is zero")
        # a/b + m/f = (a f + m b) / (b f)
        numerator = ext.add(
            ext.multiply(numerator, factor), ext.scale(denominator, message.multiplicity)
        )
        denominator = ext.multiply(denominator, factor)
    return ext.multiply(numerator, ext.invert(denominator))
