"""Typed digests, against the example that the standard itself works out."""

from numen.base.crypto import SigningKey, keccak256
from numen.base.eip712 import Domain, typed_digest, word

COW = bytes.fromhex("cd2a3d9f938e13cd947ec05abc7fe734df8dd826")
BOB = bytes.fromhex("bb" * 20)
CONTRACT = bytes.fromhex("cc" * 20)


def person(name: str, wallet: bytes) -> bytes:
    kind = keccak256(b"Person(string name,address wallet)")
    return keccak256(kind, keccak256(name.encode()), word(wallet))


def test_the_worked_example_of_the_standard():
    separator = Domain("Ether Mail", "1", 1, CONTRACT).separator()
    digest = typed_digest(
        separator,
        "Mail(Person from,Person to,string contents)Person(string name,address wallet)",
        person("Cow", COW),
        person("Bob", BOB),
        keccak256(b"Hello, Bob!"),
    )

    want = "f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f"
    assert separator.hex() == want
    want = "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"
    assert digest.hex() == want
    # The standard's key is keccak256("cow"); its signature also pins RFC 6979.
    key = SigningKey(keccak256(b"cow"))
    assert key.address == COW
    assert key.sign(digest).hex() == (
        "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
        "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c"
    )


def test_chain_and_contract_change_the_digest():
    here = Domain("Numen", "1", 1, CONTRACT).separator()
    assert here != Domain("Numen", "1", 2, CONTRACT).separator()
    assert here != Domain("Numen", "1", 1, BOB).separator()
