"""Messages, blocks and results on their way into native memory and out of it."""

import ctypes
import struct
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from numen.evm.block import Block, Context
from numen.evm.errors import ResourceLimitError
from numen.evm.halt import Halt
from numen.evm.message import Message, Result
from numen.evm.native.layout import ACCOUNT, MESSAGE, OUTCOME, WORLD

GAS_MAX: Final = 2**63 - 1
"""Most gas of a message: native code counts it in a signed word."""

Buffer: TypeAlias = Any
"""Memory that `struct` reads and writes."""

_WORD_BYTES: Final = 32
_NOBODY: Final = bytes(20)
_ZERO: Final = bytes(_WORD_BYTES)
_HALTS: Final = {int(halt): halt for halt in Halt}
_RESOURCE_LIMIT, _REVERT = int(Halt.RESOURCE_LIMIT), int(Halt.REVERT)

_MESSAGE: Final = struct.Struct("<20s20s8x32sQQQQQ8x")
"""A Message, whole."""

_OUTCOME: Final = struct.Struct("<QQQQ20s12x")
"""An Outcome, whole."""

_NO_BLOBS: Final = ctypes.create_string_buffer(_WORD_BYTES)
"""Hashes of no blobs: native code reads one more than there are, before it knows how many."""

_RESULT_AT: Final = WORLD.offset("error")
_GAP: Final = WORLD.offset("created") - _RESULT_AT - 40
_RESULT: Final = struct.Struct(f"<QQQQQ{_GAP}x20s12xQ")
"""The World from ``error`` to ``memory_peak``."""

_ACCOUNT_AT: Final = ACCOUNT.offset("balance")
_ACCOUNT: Final = struct.Struct("<32sQQQ")
"""An Account from ``balance`` to ``code``."""

_BLOCK_AT: Final = WORLD.offset("coinbase")
_CONTEXT_AT: Final = WORLD.offset("origin")
_CONTEXT: Final = struct.Struct("<32s32sQQ")
"""The World from ``origin`` to ``blob_count``."""

assert MESSAGE.offset("is_static") == 112
assert MESSAGE.size_bytes == _MESSAGE.size
assert OUTCOME.offset("created") == 32
assert OUTCOME.size_bytes == _OUTCOME.size
assert WORLD.offset("memory_peak") == _RESULT_AT + _RESULT.size - 8
assert ACCOUNT.offset("code") == _ACCOUNT_AT + _ACCOUNT.size - 8
assert WORLD.offset("blob_base_fee") == _BLOCK_AT + 7 * _WORD_BYTES
assert WORLD.offset("blob_count") == _CONTEXT_AT + _CONTEXT.size - 8


def read_result(control: Buffer) -> tuple[int, int, int, int, int, bytes, int]:
    """The World's error, halt, gas left, output, its length, address made, and memory's peak."""
    return _RESULT.unpack_from(control, _RESULT_AT)


def read_account(arena: Buffer, offset: int) -> tuple[bytes, int, int, int]:
    """Balance as 32 bytes, nonce, exists and address of the Code of an account."""
    return _ACCOUNT.unpack_from(arena, offset + _ACCOUNT_AT)


def write_block(control: Buffer, block: Block) -> None:
    """Write a block into the World."""
    words = (
        int.from_bytes(block.coinbase, "big"),
        block.timestamp,
        block.number,
        block.prev_randao,
        block.gas_limit,
        block.chain_id,
        block.base_fee,
        block.blob_base_fee,
    )
    image = b"".join([word.to_bytes(_WORD_BYTES, "little") for word in words])
    control[_BLOCK_AT : _BLOCK_AT + len(image)] = image


def write_context(control: Buffer, context: Context) -> Any:
    """Write what is the same for all of a transaction into the World.

    Returns:
        An object that must live as long as the World refers to this transaction.
    """
    words, count = _NO_BLOBS, len(context.blob_hashes)
    if count:
        hashes = b"".join([each[::-1] for each in context.blob_hashes])
        words = ctypes.create_string_buffer(hashes, len(hashes) + _WORD_BYTES)
    price = context.gas_price.to_bytes(_WORD_BYTES, "little")
    place = ctypes.addressof(words)
    _CONTEXT.pack_into(control, _CONTEXT_AT, context.origin[::-1], price, place, count)
    return words


def write_message(control: Buffer, offset: int, message: Message, data: int) -> None:
    """Write a message whose input lies at an address.

    Raises:
        ResourceLimitError: It has more gas than native code can count.
    """
    control[offset : offset + _MESSAGE.size] = _packed(message, data)


def _packed(message: Message, data: int) -> bytes:
    gas, to = message.gas, message.to
    if gas > GAS_MAX:
        raise ResourceLimitError(f"a message of {gas} gas; at most {GAS_MAX} is run")
    value = message.value
    return _MESSAGE.pack(
        message.caller,
        _NOBODY if to is None else to,
        value.to_bytes(_WORD_BYTES, "little") if value else _ZERO,
        gas,
        data,
        len(message.data),
        to is None,
        message.is_static,
    )


class Batch:
    """Many messages as one piece of memory: the messages, room for outcomes, the inputs.

    Attributes:
        image: The memory as it begins.
        size_bytes: Its size.
        places: Address of the messages, their count, address of the outcomes.
    """

    def __init__(self, messages: Sequence[Message], address: int) -> None:
        """Lay messages out.

        Args:
            messages: In order.
            address: Where the memory will begin.

        Raises:
            ResourceLimitError: One has more gas than native code can count.
        """
        self._messages = messages
        count = len(messages)
        self._outcomes = count * _MESSAGE.size
        inputs = self._outcomes + count * _OUTCOME.size
        self.places = address, count, address + self._outcomes
        place = address + inputs
        packed: list[bytes] = []
        data: list[bytes] = []
        for message in messages:
            packed.append(_packed(message, place))
            data += (message.data, _ZERO)
            place += len(message.data) + _WORD_BYTES
        self.image = b"".join([*packed, bytes(count * _OUTCOME.size), *data])
        self.size_bytes = len(self.image)

    def results(self, memory: Buffer) -> list[Result] | None:
        """Read the outcomes, or None if one of the messages was given up."""
        found = []
        end = self._outcomes + len(self._messages) * _OUTCOME.size
        outcomes = _OUTCOME.iter_unpack(memory[self._outcomes : end])
        for message, (halt, gas, output, length, created) in zip(
            self._messages, outcomes, strict=True
        ):
            if halt == _RESOURCE_LIMIT:
                return None
            data = ctypes.string_at(output, length) if length else b""
            made = created[::-1] if message.to is None and halt < _REVERT else None
            found.append(Result(_HALTS[halt], gas, data, made))
        return found
