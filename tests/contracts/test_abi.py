"""The ABI, as Ethereum's own tools read it."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.crypto import keccak256
from numen.vm.host import Kind
from tests.contracts.stage import Stage, compiled, example, number, refusal

eth_abi = pytest.importorskip("eth_abi", reason="`make judges` installs it")
web3 = pytest.importorskip("web3", reason="`make judges` installs it")
pytestmark = pytest.mark.judges

ADDRESS = web3.Web3.to_checksum_address("0x" + "ab" * 20)

SOURCE = """
from numen import address, bytes32, contract, emit, event, indexed, message, payable
from dataclasses import dataclass

@dataclass
class Point:
    x: u64
    y: i128

@event
class Seen:
    who: indexed[address]
    points: list[Point, 2]

@contract
class Shapes:
    @payable
    @message
    def all(self, a: bool, b: u8, c: i64, d: address, e: bytes32, f: list[Point, 2],
            g: tuple[u256, i256]) -> tuple[i256, list[Point, 2], bytes32, address, bool]:
        points = [f[0], f[1]]
        emit(Seen(d, f))
        assert g[0] == u256(b)
        return g[1] + i256(c), points, e, d, a
"""


def test_what_web3_encodes_is_what_the_contract_reads():
    made = compiled(SOURCE)
    contract = web3.Web3().eth.contract(abi=made.abi)
    points = [(1, -2), (2**64 - 1, -(2**127))]
    given = [True, 9, -7, ADDRESS, b"\5" * 32, points, (9, -(2**255) + 7)]
    payload = bytes.fromhex(contract.encode_abi("all", given)[2:])
    stage = Stage(made)
    outcome = stage.play(Kind.REQUEST, payload, value=3)
    assert outcome.failure is None, outcome.failure
    types = ["int256", "(uint64,int128)[2]", "bytes32", "address", "bool"]
    expected = (-(2**255), tuple(points), b"\5" * 32, ADDRESS.lower(), True)
    assert eth_abi.decode(types, outcome.result) == expected
    (event,) = outcome.effects
    (entry,) = [entry for entry in made.abi if entry["type"] == "event"]
    assert [field["type"] for field in entry["inputs"]] == ["address", "tuple[2]"]
    assert eth_abi.decode(["(uint64,int128)[2]"], event.data) == (tuple(points),)


def test_web3_reads_the_abi_of_the_token():
    made = example("erc20")
    contract = web3.Web3().eth.contract(abi=made.abi)
    names = {function.fn_name for function in contract.all_functions()}
    assert names == {
        "allowance", "approve", "balanceOf", "decimals", "name", "symbol", "totalSupply",
        "transfer", "transferFrom",
    }  # fmt: skip
    stage = Stage(made)
    stage.create(77)
    assert number(stage.look("totalSupply()")) == 77
    assert eth_abi.decode(["string"], stage.look("name()")) == ("Coin of the examples",)
    assert eth_abi.decode(["string"], stage.look("symbol()")) == ("COIN",)


TEXTS = """
from numen import contract, emit, error, event, message, view
from numen.std.text import size

@event
class Said:
    n: u64
    text: str[40]
    raw: bytes[64]

@error
class Bad:
    why: str[32]

@contract
class Texts:
    kept: str[40]

    @message
    def say(self, a: str[40], n: u64, b: bytes[64]) -> tuple[u64, bytes[64], str[40], u64]:
        if n == 13:
            raise Bad("unlucky")
        self.kept = a
        emit(Said(n, a, b))
        return n, b.copy(), self.kept, size(a)

    @view
    def last(self) -> str[40]:
        return self.kept
"""


@cache
def speaker():
    return compiled(TEXTS)


def said(a: str, n: int, b: bytes) -> bytes:
    head = keccak256(b"say(string,uint64,bytes)")[:4]
    return head + eth_abi.encode(["string", "uint64", "bytes"], [a, n, b])


@given(st.text(max_size=13), st.integers(0, 12), st.binary(max_size=64))
@settings(deadline=None)
def test_texts_come_and_go_as_eth_abi_has_them(a, n, b):
    stage = Stage(speaker())
    outcome = stage.play(Kind.REQUEST, said(a, n, b))
    assert outcome.failure is None, outcome.failure
    types = ["uint64", "bytes", "string", "uint64"]
    assert eth_abi.decode(types, outcome.result) == (n, b, a, len(a.encode()))
    assert outcome.result == eth_abi.encode(types, [n, b, a, len(a.encode())])
    (event,) = outcome.effects
    assert event.data == eth_abi.encode(["uint64", "string", "bytes"], [n, a, b])
    assert eth_abi.decode(["string"], stage.look("last()")) == (a,)


@pytest.mark.parametrize("raw", [b"\x80", b"ab\xc3", b"\xed\xa0\x80", b"\xff" * 40])
def test_a_string_that_is_not_utf8_is_refused(raw):
    head = keccak256(b"say(string,uint64,bytes)")[:4]
    payload = head + eth_abi.encode(["bytes", "uint64", "bytes"], [raw, 1, raw])
    assert refusal(Stage(speaker()).play(Kind.REQUEST, payload)).startswith("not UTF-8: ")


def test_an_error_carries_a_text():
    outcome = Stage(speaker()).play(Kind.REQUEST, said("x", 13, b""))
    expected = keccak256(b"Bad(string)")[:4] + eth_abi.encode(["string"], ["unlucky"])
    assert outcome.failure.data == expected


@given(st.binary(max_size=9 * 32), st.integers(0, 300), st.integers(0, 255))
@settings(deadline=None)
def test_only_the_one_encoding_of_texts_is_read(tail, at, byte):
    """Whatever is accepted is what eth-abi makes of what it says."""
    stage = Stage(speaker())
    good = bytearray(said("héllo", 3, bytes(40)))
    if at < len(good) - 4:
        good[4 + at] = byte
    for payload in (bytes(good), bytes(good[:100]) + tail, bytes(good) + tail[:32]):
        outcome = stage.play(Kind.REQUEST, payload)
        if outcome.failure is None:
            result = outcome.result
            n, b, a, size = (number(result, index) for index in range(4))
            raw_a, raw_b = (result[o + 32 : o + 32 + number(result[o:])] for o in (a, b))
            assert size == len(raw_a)
            types = ["bytes", "uint64", "bytes"]
            assert payload[4:] == eth_abi.encode(types, [raw_a, n, raw_b])
