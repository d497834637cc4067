"""Typed digests that a contract can recompute: EIP-712.

A digest binds the kind of message, its fields, the name and version of the protocol, the chain
and the contract, so a signature made for one of them is worth nothing at another.
Source: https://eips.ethereum.org/EIPS/eip-712
"""

from functools import cache

import msgspec

from numen.base.crypto import Address, keccak256

_DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


class Domain(msgspec.Struct, frozen=True, array_like=True):
    """Where a signature counts.

    Attributes:
        name: The protocol.
        version: Its version.
        chain_id: The chain (EIP-155).
        contract: The contract that checks the signature.
    """

    name: str
    version: str
    chain_id: int
    contract: Address

    def separator(self) -> bytes:
        """Hash the domain; 32 bytes."""
        return keccak256(
            keccak256(_DOMAIN_TYPE.encode()),
            keccak256(self.name.encode()),
            keccak256(self.version.encode()),
            word(self.chain_id),
            word(self.contract),
        )


def word(value: int | bytes) -> bytes:
    """Encode an atomic field in 32 bytes: an integer, an address or a hash.

    Integers and addresses are right-aligned, as ``abi.encode`` does; 32 bytes stand as they are.
    """
    if isinstance(value, int):
        return value.to_bytes(32, "big")
    assert len(value) in (20, 32), "only addresses and hashes are atomic bytes"
    return value.rjust(32, b"\x00")


def typed_digest(separator: bytes, type_text: str, *words: bytes) -> bytes:
    """Hash a message of a type for signing; 32 bytes.

    Args:
        separator: What `Domain.separator` gave.
        type_text: The type with those it refers to, such as ``Mail(address to,string text)``.
        words: Its fields in order, 32 bytes each: atomic ones by `word`, others hashed.
    """
    assert all(len(w) == 32 for w in words)
    return keccak256(b"\x19\x01", separator, keccak256(_type_hash(type_text), *words))


@cache
def _type_hash(type_text: str) -> bytes:
    return keccak256(type_text.encode())
