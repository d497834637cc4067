"""What a node keeps of trust on its disk, beside the state: whatever it says, it has written down.

    ws member    the newest sheet of an attester, its own too
    wt step      its own tickets of a step, as long as histories remember it
    wr member    what it knows of a node from all its blocks
    wg member    why a node is guilty

Its own sheet of a step is written before it is sent, and never another one of that step, so that a
crash cannot make it say two things.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from numen.base.codec import decode, encode
from numen.ledger.state.kv import KV
from numen.node.replica.plan import NODES_MAX
from numen.node.trust.credit import Record
from numen.node.trust.evidence import Guilt
from numen.node.trust.findings import Found
from numen.trust.attestation import SignedSheet
from numen.trust.history import STEPS
from numen.trust.kernel import Kernel

_SHEET: Final = b"ws"
_TICKETS: Final = b"wt"
_RECORD: Final = b"wr"
_GUILT: Final = b"wg"

_BYTES_MAX: Final = 1 << 24

Records: TypeAlias = Iterable[tuple[int, Record]]
"""Records by the numbers of nodes."""


class Tickets(msgspec.Struct, frozen=True, array_like=True):
    """A node's own tickets of one step."""

    found: Annotated[tuple[Found, ...], Meta(max_length=NODES_MAX)]


class Shelf:
    """A node's records.

    Args:
        kv: The disk.
    """

    def __init__(self, kv: KV) -> None:
        self._kv = kv
        self._kept: dict[int, bytes] = {}

    def sheets(self) -> Iterator[SignedSheet]:
        """All sheets that were kept."""
        for _, raw in self._kv.scan(_SHEET):
            yield decode(SignedSheet, raw)

    def records(self) -> dict[int, Record]:
        """What was known of nodes."""
        return {_member(key): decode(Record, raw) for key, raw in self._kv.scan(_RECORD)}

    def guilty(self) -> dict[int, Guilt]:
        """Who was shown to lie, and what shows it."""
        scan = self._kv.scan(_GUILT)
        return {_member(key): decode(Guilt, raw, size_max=_BYTES_MAX) for key, raw in scan}

    def tickets(self, step: int) -> tuple[Found, ...]:
        """The node's own tickets of a step; none for one that is forgotten."""
        raw = self._kv.get(_TICKETS + step.to_bytes(8, "big"))
        return decode(Tickets, raw, size_max=_BYTES_MAX).found if raw is not None else ()

    def close(self, step: int, found: tuple[Found, ...], kernel: Kernel, noted: Records) -> None:
        """Keep what a step has brought, and forget what is too old to count.

        Raises:
            StorageError: The disk refuses; nothing was written.
        """
        known = {signed.sheet.attester: kernel.digest(signed.sheet.attester) for signed in kernel}
        writes: list[tuple[bytes, bytes | None]] = [
            (_SHEET + _name(signed.sheet.attester), encode(signed))
            for signed in kernel
            if self._kept.get(signed.sheet.attester) != known[signed.sheet.attester]
        ]
        writes += [(_SHEET + _name(gone), None) for gone in self._kept if gone not in known]
        if found:
            writes.append((_TICKETS + step.to_bytes(8, "big"), encode(Tickets(found))))
        writes += [(key, None) for key in self._old(step)]
        writes += self.noted(noted)
        if writes:
            self._kv.commit(writes)
        self._kept = known

    def convict(self, guilty: Iterable[int], guilt: Guilt, noted: Records) -> None:
        """Keep evidence, and what is known since.

        Raises:
            StorageError: The disk refuses; nothing was written.
        """
        raw = encode(guilt, size_max=_BYTES_MAX)
        self._kv.commit([*((_GUILT + _name(node), raw) for node in guilty), *self.noted(noted)])

    def noted(self, noted: Records) -> list[tuple[bytes, bytes | None]]:
        """What is to be written where records have changed."""
        return [(_RECORD + _name(node), encode(record)) for node, record in noted]

    def _old(self, step: int) -> list[bytes]:
        last = _TICKETS + max(step - STEPS, 0).to_bytes(8, "big")
        found = []
        for key, _ in self._kv.scan(_TICKETS):
            if key > last:
                break
            found.append(key)
        return found


def _name(node: int) -> bytes:
    return node.to_bytes(4, "big")


def _member(key: bytes) -> int:
    return int.from_bytes(key[-4:], "big")
