"""A contract's code in canonical bytes, and the service that it becomes.

CodeError      bytes that are no contract
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from numen.base.codec import CodecError, decode, digest, encode
from numen.base.errors import NumenError
from numen.evm.errors import EvmError
from numen.proof.eip197 import decode_key
from numen.proof.errors import FormatError
from numen.vm.contract import ContractError, read_contract
from numen.vm.evm_atomic import AtomicService
from numen.vm.evm_events import EvmService
from numen.vm.groth16 import Groth16Service
from numen.vm.host import Service

CODE_BYTES_MAX: Final = 1 << 17
"""Longest code of a contract."""

Mode = Literal["evm", "atomic", "numen", "groth16"]
"""``evm`` is bytecode whose calls are requests, ``atomic`` a synchronous EVM of its own, ``numen``
a contract of Numen's language, ``groth16`` one that checks the proofs of a verifying key."""

_DOMAIN: Final = "numen/code/1"
_FORK: Final = "prague"


class CodeError(NumenError):
    """Bytes that are no contract."""


class Code(msgspec.Struct, frozen=True, array_like=True):
    """What a contract is made from.

    Attributes:
        mode: Which machine runs it.
        body: For ``evm`` the code that a compiler gives to be deployed; for ``atomic`` nothing; for
            ``numen`` what `vm.contract.write_contract` writes; for ``groth16`` the key, as
            `proof.eip197.encode_key` writes it.
    """

    mode: Mode
    body: Annotated[bytes, Meta(max_length=CODE_BYTES_MAX)] = b""


def code_id(raw: bytes) -> bytes:
    """Name a code by its bytes, 32 bytes."""
    return digest(_DOMAIN, raw)


def write_code(code: Code) -> bytes:
    """Write a code."""
    return encode(code)


def service_of(raw: bytes) -> Service:
    """Make a code ready to run.

    Raises:
        CodeError: The bytes are none.
    """
    try:
        code = decode(Code, raw)
        if code.mode == "atomic":
            return AtomicService(_FORK)
        if code.mode == "numen":
            return read_contract(code.body)
        if code.mode == "groth16":
            return Groth16Service(decode_key(code.body))
        return EvmService(code.body, _FORK)
    except (CodecError, EvmError, ContractError, FormatError) as error:
        raise CodeError(f"not a contract: {error}") from error
