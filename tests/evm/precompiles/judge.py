"""The precompiles of the Ethereum execution specifications, to compare ours with."""

import sys
from importlib import import_module
from types import SimpleNamespace

import pytest

from numen.evm import precompiles
from numen.evm.forks import fork

exceptions = pytest.importorskip("ethereum.exceptions", reason="the specifications are a judge")

GAS = 10**9

# The specifications raise Python's limit when they are imported; Hypothesis minds that in a test.
_LIMIT = sys.getrecursionlimit()
_CONTRACTS = {
    name: import_module(f"ethereum.forks.{name}.vm.precompiled_contracts.mapping")
    for name in ("frontier", "byzantium", "istanbul", "berlin", "cancun", "prague", "osaka")
}
sys.setrecursionlimit(_LIMIT)


def theirs(number, data, name="prague", gas=GAS):
    """Gas left and output of the specifications; None where the contract fails."""
    from ethereum_types.bytes import Bytes
    from ethereum_types.numeric import Uint

    contracts = _CONTRACTS[name].PRE_COMPILED_CONTRACTS
    found = {int.from_bytes(address, "big"): run for address, run in contracts.items()}[number]
    frame = SimpleNamespace(
        message=SimpleNamespace(data=Bytes(data)), gas_left=Uint(gas), output=b""
    )
    try:
        found(frame)
    except exceptions.EthereumException:
        return None
    return int(frame.gas_left), bytes(frame.output)


def ours(number, data, name="prague", gas=GAS):
    """Gas left and output of ours; None where the contract fails."""
    return precompiles.run(number, data, gas, fork(name))


def check(number, data, name="prague"):
    """Compare on an input: result, gas, and what happens one gas short. Give the output."""
    result = ours(number, data, name)
    assert result == theirs(number, data, name)
    if result is None:
        return None
    left, output = result
    assert 0 <= left <= GAS
    used = GAS - left
    assert ours(number, data, name, used) == (0, output)
    if used:
        assert ours(number, data, name, used - 1) is None
    return output
