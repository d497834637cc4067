"""What native code asks of Python: accounts, slots, hashes of blocks, precompiles.

Each answer is written into memory that native code reads. An exception does not cross native code:
it is kept, the World's ``error`` is set, and the machine raises it again when the run has ended.
"""

import ctypes
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final
from weakref import WeakValueDictionary

from numen.evm import precompiles
from numen.evm.errors import ResourceLimitError
from numen.evm.forks import Fork
from numen.evm.native.layout import ACCOUNT, SLOT, WORLD
from numen.evm.native.rooms import Rooms
from numen.evm.state import Source
from numen.evm.tier.service import Tier

KEPT: Final = -1
"""`World.error` when an exception is kept."""

_KNOWN: Final = struct.Struct("<32sQQQQQQ")
"""An Account from ``balance`` to ``is_known``."""

_KNOWN_FIELDS = ("balance", "nonce", "exists", "code", "generation", "has_storage", "is_known")
assert [name for name, *_ in ACCOUNT.rows][1:8] == list(_KNOWN_FIELDS)

_FORMS: Final = {
    "on_account": ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p),
    "on_slot": ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p),
    "on_block_hash": ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p),
    "on_precompile": ctypes.CFUNCTYPE(
        ctypes.c_int64,
        *(ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64),
    ),
    "on_code": ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p),
    "on_heat": ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64),
}

_ASKED: Final = struct.Struct(f"<32s{SLOT.offset('account') - 32}xQ")
"""A Slot from ``key`` to ``account``."""

_BALANCE_AT: Final = ACCOUNT.offset("balance")
_VALUE_AT: Final = SLOT.offset("value")
assert SLOT.offset("key") == 0

_EVENTS: Final = ("on_code", "on_heat")


class Answers:
    """Answers what the native code of one machine asks.

    Attributes:
        tier: Compiles code, if anybody does.
        block_hashes: Of the present block.
        kept: The exception that a callback kept, if any.
    """

    def __init__(
        self, fork: Fork, source: Source, rooms: Rooms, register_code: Any, tier: Tier | None
    ) -> None:
        """Take what is needed to answer.

        Args:
            fork: For precompiles.
            source: Where accounts come from.
            rooms: The machine's memory.
            register_code: The native function of this name.
            tier: Compiles code, if anybody does.
        """
        self.tier = tier
        self.block_hashes: Mapping[int, bytes] = {}
        self.kept: BaseException | None = None
        self._fork = fork
        self._source = source
        self._world = rooms.world
        self._view, self._base = rooms.arena.view, rooms.arena.address
        self._output = rooms.output
        self._register = register_code
        self._codes: dict[bytes, int] = {b"": rooms.empty_code}

    def code(self, data: bytes) -> int:
        """Address of the Code of some bytes.

        Raises:
            ResourceLimitError: There is no room for it.
        """
        found = self._codes.get(data)
        if found is None:
            found = self._register(self._world, data, len(data))
            if not found:
                raise ResourceLimitError(f"no room for a code of {len(data)} bytes")
            self._codes[data] = found
        return found

    def forget_codes(self, empty_code: int) -> None:
        """Know no code but the one of no bytes, because the arena was cleared."""
        self._codes = {b"": empty_code}

    def on_account(self, place: int) -> None:
        """Fill an Account."""
        address = ctypes.string_at(place, 20)[::-1]
        found = self._source.account(address)
        if found is None:
            known = _KNOWN.pack(bytes(32), 0, 0, self._codes[b""], 0, 0, 1)
        else:
            nonce, balance, code = found
            has_storage = self._source.has_storage(address)
            wei = balance.to_bytes(32, "little")
            known = _KNOWN.pack(wei, nonce, 1, self.code(code), 0, has_storage, 1)
        start = place - self._base + _BALANCE_AT
        self._view[start : start + _KNOWN.size] = known

    def on_slot(self, place: int) -> None:
        """Fill a Slot."""
        view, base = self._view, self._base
        key, account = _ASKED.unpack_from(view, place - base)
        address = bytes(view[account - base : account - base + 20])[::-1]
        word = self._source.slot(address, int.from_bytes(key, "little"))
        start = place - base + _VALUE_AT
        view[start : start + 32] = word.to_bytes(32, "little")

    def on_block_hash(self, number: int, place: int) -> None:
        """Write the hash of a block, zero if it is not known."""
        found = self.block_hashes.get(number, bytes(32))
        ctypes.memmove(place, found[::-1], 32)

    def on_precompile(self, number: int, data: int, length: int, gas: int) -> int:
        """Run a precompile: gas left, or -1 after a failure; its output is the return data."""
        given = ctypes.string_at(data, length) if length else b""
        found = precompiles.run(number, given, gas, self._fork)
        if found is None:
            return -1
        left, output = found
        if len(output) > self._output.size_bytes:
            raise ResourceLimitError(f"no room for an output of {len(output)} bytes")
        self._output.view[: len(output)] = output
        WORLD.write(self._world, "return_length", len(output))
        return left

    def on_code(self, entry: int) -> None:
        """Tell the tier of a Code that is no longer cold."""
        assert self.tier
        self.tier.on_code(entry)

    def on_heat(self, entry: int, pc: int) -> None:
        """Tell the tier of a JUMPDEST that is hot."""
        assert self.tier
        self.tier.on_heat(entry, pc)

    def keep(self, error: BaseException) -> None:
        """Keep an exception until the run has ended."""
        if self.kept is None:
            self.kept = error
        WORLD.write(self._world, "error", KEPT)


_ANSWERS: Final[WeakValueDictionary[int, Answers]] = WeakValueDictionary()
"""Who answers for which World, by its address."""


def connect(world: int, answers: Answers) -> dict[str, int]:
    """Let somebody answer for a World, for as long as he lives.

    Returns:
        Addresses of the C functions, by the World's field; null for events nobody waits for.
    """
    _ANSWERS[world] = answers
    waits = answers.tier is not None
    return {name: place if waits or name not in _EVENTS else 0 for name, place in _PLACES.items()}


def _guarded(name: str) -> Callable[..., int | None]:
    """A function for native code: takes the World first, and never raises."""
    refusal = -1 if name == "on_precompile" else None

    def guarded(world: int, *args: int) -> int | None:
        answers = _ANSWERS[world]
        try:
            answer: Callable[..., int | None] = getattr(answers, name)
            return answer(*args)
        except BaseException as error:  # raised again when native code is left
            answers.keep(error)
            return refusal

    return guarded


def _address(function: Any) -> int:
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address
    return address


_FUNCTIONS: Final = {name: form(_guarded(name)) for name, form in _FORMS.items()}
"""The C functions; one of each for all machines: making one takes as long as a small run."""

_PLACES: Final = {name: _address(function) for name, function in _FUNCTIONS.items()}
