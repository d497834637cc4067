"""Contracts that every node has ready: hashes, signatures, arithmetic of curves.

Each is loaded when it is first called, with the library it needs.
"""

from functools import cache
from importlib import import_module
from typing import Final

from numen.evm.forks import Fork
from numen.evm.precompiles.contract import Contract

_MODULES: Final = {
    1: "numen.evm.precompiles.ecrecover",
    2: "numen.evm.precompiles.hashing",
    3: "numen.evm.precompiles.hashing",
    4: "numen.evm.precompiles.hashing",
    5: "numen.evm.precompiles.modexp",
    6: "numen.evm.precompiles.bn254",
    7: "numen.evm.precompiles.bn254",
    8: "numen.evm.precompiles.bn254",
    9: "numen.evm.precompiles.blake2",
    10: "numen.evm.precompiles.point_evaluation",
    **dict.fromkeys(range(11, 18), "numen.evm.precompiles.bls12_381"),
    0x100: "numen.evm.precompiles.p256",
}
"""Where the contract at each address is written; the module's ``CONTRACTS`` has it."""


def run(number: int, data: bytes, gas: int, fork: Fork) -> tuple[int, bytes] | None:
    """Run a precompiled contract.

    Args:
        number: Its address as a number; one of ``fork.precompiles``.
        data: The input, of any length.
        gas: What it may cost.
        fork: Whose prices and rules hold.

    Returns:
        Gas left and output; None where it fails, and then all the gas is gone.

    Raises:
        ResourceLimitError: The input was paid for, but is beyond the bound of this machine.

    Cost: two microseconds beside the contract's own work.
    """
    contract = _contract(number)
    left = gas - contract.price(data, fork)
    if left < 0:
        return None
    output = contract.answer(data, fork)
    return None if output is None else (left, output)


@cache
def _contract(number: int) -> Contract:
    contract: Contract = import_module(_MODULES[number]).CONTRACTS[number]
    return contract
