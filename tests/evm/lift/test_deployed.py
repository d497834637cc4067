"""Contracts that are in use: their graphs are whole, their pure functions lifted and right."""

import json
from functools import cache
from random import Random

import pytest

from numen.evm.forks import fork
from numen.evm.lift.errors import ImpureError, LiftLimitError
from numen.evm.lift.graph import contract_graph
from numen.evm.lift.instructions import disassemble
from tests.evm.lift.agreeing import Lifted
from tests.evm.vectors import VECTORS, unhex
from tests.timing import seconds_at_most

COLLECTION = VECTORS / "evm-bench/bench_cases.json"
needs_collection = pytest.mark.skipif(
    not COLLECTION.is_file(), reason=f"no collection of contracts at {COLLECTION}"
)

UNRESOLVED = {
    "seaport": "its inner functions nest deeper than return addresses are told apart",
    "snailtracer": "it recurses",
    "weierstrudel": "its jumps are computed",
}
"""Contracts that have jumps whose target is not found, with the reason."""


@cache
def contracts() -> dict[str, bytes]:
    """Every contract of the collection once, by the name of its first case and its size."""
    found: dict[bytes, str] = {}
    for case in json.loads(COLLECTION.read_text()):
        for account in case["pre"].values():
            code = unhex(account["code"])
            if len(code) > 1:
                found.setdefault(code, f"{case['name']} {len(code)}")
    return {name: code for code, name in found.items()}


@needs_collection
@pytest.mark.slow
def test_nearly_every_jump_of_contracts_in_use_is_resolved():
    whole = 0
    with seconds_at_most(30):
        for name, code in contracts().items():
            try:
                graph = contract_graph(disassemble(code, fork("prague")))
            except LiftLimitError:
                pytest.fail(f"{name} is over the bounds")
            excused = any(word in name for word in UNRESOLVED)
            assert excused or not graph.unresolved, name
            whole += not graph.unresolved

    assert len(contracts()) == 45
    assert whole == 41


@needs_collection
@pytest.mark.parametrize(
    ("contract", "signature"),
    [
        ("revmc/univ2_router 21943", "getAmountOut(uint256,uint256,uint256)"),
        ("revmc/univ2_router 21943", "getAmountIn(uint256,uint256,uint256)"),
        ("revmc/univ2_router 21943", "quote(uint256,uint256,uint256)"),
        ("revmc/univ2_router 21943", "WETH()"),
        ("revmc/uniswap_v2_pair 11293", "MINIMUM_LIQUIDITY()"),
        ("revmc/erc20_transfer 3446", "decimals()"),
        ("revmc/fiat_token 23464", "PERMIT_TYPEHASH()"),
        ("revmc/seaport 24367", "name()"),
    ],
)
def test_pure_functions_of_contracts_in_use_agree(contract, signature):
    function, chance = Lifted(contracts()[contract], signature), Random(signature)
    succeeded = 0
    for _ in range(20):
        bits = chance.choice((10, 60, 100, 112, 200))
        succeeded += function.check([chance.getrandbits(bits) for _ in function.signature.words])

    assert succeeded >= 3


@needs_collection
def test_functions_of_contracts_in_use_that_read_storage_are_refused():
    with pytest.raises(ImpureError, match="SLOAD at 0x0b0b"):
        Lifted(contracts()["revmc/weth 3124"], "decimals()")
