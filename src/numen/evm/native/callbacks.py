"""What native code asks of Python: accounts, slots, hashes of blocks, precompiles.

Each answer is written into memory that native code reads. An exception does not cross native code:
it is kept, the World's ``error`` is set, and the machine raises it again when the run has ended.
"""

import ctypes
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from numen.evm import precompiles
from numen.evm.errors import ResourceLimitError
from numen.evm.forks import Fork
from numen.evm.native.arena import Reservation
from numen.evm.native.layout import ACCOUNT, SLOT, WORLD
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
}

_TIER_FORMS: Final = {
    "on_code": ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p),
    "on_heat": ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64),
}


class Answers:
    """Answers what native code asks.

    It does not refer to the callbacks that refer to it, so that a machine is freed at once.

    Attributes:
        block_hashes: Of the present block.
        kept: The exception that a callback kept, if any.
    """

    def __init__(
        self, fork: Fork, source: Source, world: int, arena: Reservation, output: Reservation
    ) -> None:
        """Take what is needed to answer.

        Args:
            fork: For precompiles.
            source: Where accounts come from.
            world: Address of the World.
            arena: Where accounts, slots and codes lie.
            output: The buffer of return data.
        """
        self.block_hashes: Mapping[int, bytes] = {}
        self.kept: BaseException | None = None
        self._fork = fork
        self._source = source
        self._world = world
        self._arena = arena
        self._output = output
        self._codes: dict[bytes, int] = {}
        self._register: Any = None

    def begin(self, register_code: Any, empty_code: int) -> None:
        """Take what exists only when the World does.

        Args:
            register_code: The native function of this name.
            empty_code: Address of the Code of no bytes.
        """
        self._register = register_code
        self._codes[b""] = empty_code

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
        start = place - self._arena.address + ACCOUNT.offset("balance")
        self._arena.view[start : start + _KNOWN.size] = known

    def on_slot(self, place: int) -> None:
        """Fill a Slot."""
        account = SLOT.read(place, "account")
        address = ctypes.string_at(account, 20)[::-1]
        SLOT.write(place, "value", self._source.slot(address, SLOT.read(place, "key")))

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

    def keep(self, error: BaseException) -> None:
        """Keep an exception until the run has ended."""
        if self.kept is None:
            self.kept = error
        WORLD.write(self._world, "error", KEPT)


def callbacks(answers: Answers, world: int) -> list[Any]:
    """Make the C functions, and give the World their addresses.

    Args:
        answers: What they call.
        world: Address of the World.

    Returns:
        Objects that must live as long as the World.
    """
    made = []
    for name, form in _FORMS.items():
        function = form(_guarded(answers, getattr(answers, name)))
        WORLD.write(world, name, _address(function))
        made.append(function)
    return made


def tier_callbacks(tier: Tier, answers: Answers, world: int) -> list[Any]:
    """Tell a tier of code that runs, and of code that is hot; as `callbacks`."""
    WORLD.write(world, "heat_limit", tier.heat_limit)
    made = []
    for name, form in _TIER_FORMS.items():
        function = form(_guarded(answers, getattr(tier, name)))
        WORLD.write(world, name, _address(function))
        made.append(function)
    return made


def _guarded(answers: Answers, answer: Callable[..., int | None]) -> Callable[..., int | None]:
    """A function for native code: takes the World first, and never raises."""

    def guarded(_world: int, *args: int) -> int | None:
        try:
            return answer(*args)
        except BaseException as error:  # raised again when native code is left
            answers.keep(error)
            return -1 if answer.__name__ == "on_precompile" else None

    return guarded


def _address(function: Any) -> int:
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address
    return address
