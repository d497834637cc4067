"""The ABI, as Ethereum's own tools read it."""

import pytest

from numen.vm.host import Kind
from tests.contracts.stage import Stage, compiled, example, number

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
        "allowance", "approve", "balanceOf", "totalSupply", "transfer", "transferFrom",
    }  # fmt: skip
    stage = Stage(made)
    stage.create(77)
    assert number(stage.look("totalSupply()")) == 77
