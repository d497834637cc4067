"""A state that is being changed by steps, and the diff of what they did.

Nothing of it is on disk. A step that fails is taken back to a mark, as if it had not run; what it
read stays noted, because whether it fails may have hung on that.
"""

from collections import defaultdict
from typing import TypeAlias

import msgspec

from numen.base.codec import U256
from numen.ledger.state.account import BALANCE_MAX, CODE_BYTES_MAX, COUNT_MAX, SLOT_BYTES_MAX
from numen.ledger.state.diff import (
    AccountChanges,
    BalanceChange,
    CodeChange,
    CountChange,
    Diff,
    SlotChange,
    SlotChanges,
)
from numen.ledger.state.state import State
from numen.ledger.state.tree import Prepared

Place: TypeAlias = tuple[bytes, str, bytes]
"""An address, what of it (``balance nonce sequence code slot``), and which slot."""

Content: TypeAlias = int | bytes


class Finished(msgspec.Struct, frozen=True):
    """What came of a draft.

    Attributes:
        diff: What the steps did.
        prepared: What `State.commit` wants beside it.
    """

    diff: Diff
    prepared: Prepared


class Draft:
    """Changes over the newest version of a state.

    Args:
        state: Must not change while the draft is in use.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._base = state.root
        self._step = 0
        self._before: dict[Place, Content] = {}
        self._present: dict[Place, Content] = {}
        self._log: list[tuple[int, Place, Content, Content]] = []

    def balance(self, address: bytes) -> int:
        return int(self._get((address, "balance", b"")))

    def nonce(self, address: bytes) -> int:
        return int(self._get((address, "nonce", b"")))

    def sequence(self, address: bytes) -> int:
        return int(self._get((address, "sequence", b"")))

    def code(self, address: bytes) -> bytes:
        return _bytes(self._get((address, "code", b"")))

    def slot(self, address: bytes, slot: bytes) -> bytes:
        return _bytes(self._get((address, "slot", slot)))

    def set_balance(self, address: bytes, balance: int) -> None:
        assert 0 <= balance <= BALANCE_MAX
        self._set((address, "balance", b""), balance)

    def set_nonce(self, address: bytes, nonce: int) -> None:
        assert 0 <= nonce <= COUNT_MAX
        self._set((address, "nonce", b""), nonce)

    def set_sequence(self, address: bytes, sequence: int) -> None:
        assert 0 <= sequence <= COUNT_MAX
        self._set((address, "sequence", b""), sequence)

    def set_code(self, address: bytes, code: bytes) -> None:
        assert len(code) <= CODE_BYTES_MAX
        self._set((address, "code", b""), code)

    def set_slot(self, address: bytes, slot: bytes, value: bytes) -> None:
        """Write a slot; no bytes to have nothing there."""
        assert len(slot) == 32
        assert len(value) <= SLOT_BYTES_MAX
        self._set((address, "slot", slot), value)

    def next_step(self) -> None:
        """End a step; what follows belongs to the next."""
        self._step += 1

    def mark(self) -> int:
        """Name the present, for `revert`."""
        return len(self._log)

    def revert(self, mark: int) -> None:
        """Take back all changes since a mark."""
        assert 0 <= mark <= len(self._log)
        while len(self._log) > mark:
            _, place, old, _ = self._log.pop()
            self._present[place] = old

    def finish(self) -> Finished:
        """The diff of all steps, of which at least one is counted.

        Cost: linear in what was read and written, and what `Tree.prepare` costs.
        """
        assert self._state.root == self._base, "the state changed below the draft"
        steps = max(self._step, self._log[-1][0] + 1 if self._log else 0, 1)
        accounts = self._accounts()
        prepared = self._state.prepare(accounts)
        diff = Diff(self._base, prepared.version.root, steps, accounts)
        return Finished(diff, prepared)

    def _get(self, place: Place) -> Content:
        found = self._present.get(place)
        if found is None:
            found = self._present[place] = self._before[place] = self._read(place)
        return found

    def _set(self, place: Place, content: Content) -> None:
        old = self._get(place)
        if old != content:
            self._log.append((self._step, place, old, content))
            self._present[place] = content

    def _read(self, place: Place) -> Content:
        address, what, slot = place
        if what == "slot":
            return self._state.slot(address, slot)
        if what == "code":
            return self._state.code(address)
        found: int = getattr(self._state.account(address), what)
        return found

    def _accounts(self) -> tuple[AccountChanges, ...]:
        history: dict[Place, dict[int, Content]] = defaultdict(dict)
        for step, place, _, content in self._log:
            history[place][step] = content
        of: dict[bytes, dict[tuple[str, bytes], list[tuple[int, Content]]]] = defaultdict(dict)
        for place, before in self._before.items():
            address, what, slot = place
            changes = _real(before, history.get(place, {}))
            if changes or what == "slot":
                of[address][what, slot] = changes
        return tuple(_account(address, of[address]) for address in sorted(of))


def _real(before: Content, history: dict[int, Content]) -> list[tuple[int, Content]]:
    """The steps after which a place has something else than it had before them."""
    changes = []
    for step, content in history.items():  # in the order of steps, as the log is
        if content != before:
            changes.append((step, content))
            before = content
    return changes


def _account(
    address: bytes, places: dict[tuple[str, bytes], list[tuple[int, Content]]]
) -> AccountChanges:
    def of(what: str) -> list[tuple[int, Content]]:
        return places.get((what, b""), [])

    slots = sorted((slot, changes) for (what, slot), changes in places.items() if what == "slot")
    return AccountChanges(
        address,
        storage=tuple(
            SlotChanges(slot, tuple(SlotChange(step, _bytes(value)) for step, value in changes))
            for slot, changes in slots
            if changes
        ),
        reads=tuple(slot for slot, changes in slots if not changes),
        balances=tuple(BalanceChange(step, U256(int(value))) for step, value in of("balance")),
        nonces=tuple(CountChange(step, int(value)) for step, value in of("nonce")),
        sequences=tuple(CountChange(step, int(value)) for step, value in of("sequence")),
        codes=tuple(CodeChange(step, _bytes(value)) for step, value in of("code")),
    )


def _bytes(content: Content) -> bytes:
    assert isinstance(content, bytes)
    return content
