"""An attester: whom it looks at in which step, and what it has found so far.

It attests one neighbour a step, in turn, so that each is looked at as often as any other and an
attester's work does not grow with the network: of all pairs of a thousand nodes with 24 neighbours
each, 97.6 % are saved. A neighbour that turns is noticed after at most as many steps as there are
neighbours.
"""

from collections.abc import Sequence
from typing import Final

from numen.trust import history
from numen.trust.attestation import Sheet, Ticket, sheet_of
from numen.trust.errors import AttestationError
from numen.trust.history import History

NEIGHBOURS_MAX: Final = 256
"""Most nodes that one attester looks at in turn."""


class Attester:
    """What a node has found of others.

    Args:
        index: Its own number.
        neighbours: Whom it looks at, in the order of the turns; neither itself nor anyone twice.

    Attributes:
        step: The step that its histories are of.
    """

    def __init__(self, index: int, neighbours: Sequence[int]) -> None:
        self._index = index
        self._neighbours: tuple[int, ...] = ()
        self._histories: dict[int, History] = {}
        self.step = 0
        self.meet(neighbours)

    def meet(self, neighbours: Sequence[int]) -> None:
        """Look at others from now on; what was found of the ones before is not forgotten."""
        assert self._index not in neighbours
        assert len(set(neighbours)) == len(neighbours) <= NEIGHBOURS_MAX
        self._neighbours = tuple(neighbours)

    def resume(self, sheet: Sheet) -> None:
        """Go on from the attester's own last sheet, as after a restart."""
        assert sheet.attester == self._index
        self.step = sheet.step
        self._histories = {line.target: line.history for line in sheet.lines}

    def target(self, step: int) -> int | None:
        """Whom to attest in a step; None for who has no neighbours."""
        if not self._neighbours:
            return None
        return self._neighbours[step % len(self._neighbours)]

    def advance(self, step: int) -> None:
        """Go on to a later step, or stay; histories age by what lies between."""
        assert step >= self.step, "time does not go back"
        passed, self.step = step - self.step, step
        aged = ((at, history.aged(found, passed)) for at, found in self._histories.items())
        self._histories = {at: found for at, found in aged if found.good or found.bad}

    def record(self, ticket: Ticket) -> None:
        """Write down an attestation of the present step.

        Raises:
            AttestationError: It is somebody else's, of another step, or of the node itself.
        """
        if (ticket.attester, ticket.step) != (self._index, self.step):
            raise AttestationError("the ticket is not this attester's, of this step")
        if ticket.target == self._index:
            raise AttestationError("nobody attests itself")
        before = self._histories.get(ticket.target, History())
        self._histories[ticket.target] = history.record(before, is_trusted=ticket.is_trusted)

    def sheet(self) -> Sheet:
        """Sum up what it thinks now."""
        return sheet_of(self._index, self.step, self._histories)
