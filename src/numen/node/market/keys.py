"""Keys of proofs as goods: what a provider brings with a task that wants a proof with a key.

The provider made the keys, or took part in their ceremony, so it need not trust anybody's setup.
A worker that cannot prove with them, or whose proof they do not verify, makes no offer.

KeyGoodsError     goods that are no keys of the program
"""

from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from numen.base.codec import CodecError, decode, encode
from numen.base.crypto import Hash32
from numen.base.errors import NumenError
from numen.node.market.speech import GOODS_BYTES_MAX
from numen.proof.eip197 import decode_key
from numen.proof.errors import ProofError
from numen.proof.snark import snark_rule
from numen.proof.statement import SIGNALS_MAX, SnarkRule

VERIFYING_BYTES_MAX: Final = 1 << 19
"""Longest verifying key, in the bytes of EIP-197."""

ROUNDS_MAX: Final = 1 << 32

T = TypeVar("T", bound=msgspec.Struct)


class Verifying(msgspec.Struct, frozen=True, array_like=True, tag="numen/verifying-key/1"):
    """What everybody needs who checks a proof.

    Attributes:
        program: Id of the program whose circuit the key is of.
        output_count: How many values of a statement are outputs; they come first.
        key: In the bytes of EIP-197.
    """

    program: Hash32
    output_count: Annotated[int, Meta(ge=0, le=SIGNALS_MAX)]
    key: Annotated[bytes, Meta(max_length=VERIFYING_BYTES_MAX)]


class Proving(msgspec.Struct, frozen=True, array_like=True, tag="numen/proving-key/1"):
    """What a worker needs to prove.

    Attributes:
        program: Id of the program.
        rounds: Most rounds that its circuit has for a loop that the inputs end; None for none.
        key: A `.zkey` file.
    """

    program: Hash32
    rounds: Annotated[int, Meta(ge=1, le=ROUNDS_MAX)] | None
    key: Annotated[bytes, Meta(max_length=GOODS_BYTES_MAX)]


class KeyGoodsError(NumenError):
    """Goods that are no keys of the program."""


def write(keys: Verifying | Proving) -> bytes:
    """The goods.

    Raises:
        KeyGoodsError: They are longer than goods may be.
    """
    try:
        return encode(keys, size_max=GOODS_BYTES_MAX)
    except CodecError as error:
        raise KeyGoodsError(
            f"keys of this program are too long for the market: {error.message}",
            hint="a proof without a key, evidence `stark`, has no such bound",
        ) from error


def read(kind: type[T], raw: bytes, program: bytes) -> T:
    """Read keys that a stranger brought.

    Raises:
        KeyGoodsError: They are none, or another program's.
    """
    try:
        found = decode(kind, raw, size_max=GOODS_BYTES_MAX)
    except CodecError as error:
        raise KeyGoodsError(f"the goods are no keys: {error.message}") from error
    if getattr(found, "program", None) != program:
        raise KeyGoodsError("the keys are another program's")
    return found


def rule_of(raw: bytes, program: bytes) -> SnarkRule:
    """What a verifying key in goods stands for.

    Raises:
        KeyGoodsError: They are none, or another program's.
    """
    found = read(Verifying, raw, program)
    try:
        key = decode_key(found.key)
    except ProofError as error:
        raise KeyGoodsError(f"the goods are no keys: {error.message}") from error
    return snark_rule(key, program=program, output_count=found.output_count)
