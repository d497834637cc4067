"""A few nodes with keys, and what they say of each other."""

from numen.base.crypto import SigningKey
from numen.trust.attestation import SignedSheet, Ticket, sheet_of, sign_sheet
from numen.trust.attester import Attester
from numen.trust.history import History
from numen.trust.kernel import Kernel
from numen.trust.roster import Members

_SEEDED = [SigningKey.from_seed(b"node %d" % index) for index in range(48)]


def town(count: int) -> tuple[Members, list[SigningKey]]:
    """So many members, and their keys by number."""
    keys = sorted(_SEEDED[:count], key=lambda key: key.address)
    return Members.of(1, 1, [key.address for key in keys]), keys


def sheet(
    members: Members, keys: list[SigningKey], attester: int, step: int, found: dict[int, History]
) -> SignedSheet:
    return sign_sheet(sheet_of(attester, step, found), members, keys[attester])


def ring(count: int, reach: int = 3) -> list[Attester]:
    """Attesters that look at the nodes after them."""
    return [
        Attester(index, [(index + gap) % count for gap in range(1, reach + 1)])
        for index in range(count)
    ]


def attest(attester: Attester, index: int, step: int, *, is_trusted: bool = True) -> None:
    """Let a node attest its target of a step."""
    attester.advance(step)
    target = attester.target(step)
    assert target is not None
    attester.record(Ticket(index, target, step, is_trusted, bytes(32), bytes(32)))


def kernel_at(members: Members, now: int) -> Kernel:
    kernel = Kernel(members)
    kernel.advance(now)
    return kernel
