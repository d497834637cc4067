"""The Ethereum Virtual Machine, every fork of it, exact to the last gas."""

from importlib import import_module
from typing import Any

_LAZY = {
    "EVM": "numen.evm.evm:EVM",
    "Contract": "numen.evm.contract:Contract",
    "Outcome": "numen.evm.results:Outcome",
    "RevertedError": "numen.evm.results:RevertedError",
}
"""Names for people who use the machine, imported when first asked for."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'numen.evm' has no attribute {name!r}")
    module, _, attribute = _LAZY[name].partition(":")
    return getattr(import_module(module), attribute)
