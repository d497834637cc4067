"""All methods of a ledger: those of any node, and its own."""

from typing import Final

from numen.node.rpc import (
    about,
    absent,
    cells,
    chains,
    controls,
    ledger_debug,
    listening,
    markets,
    messages,
    openrpc,
    prices,
    privacy,
    sending,
)
from numen.node.rpc.table import Method, table

_DEVELOPMENT: Final = ("eth_getTransactionBySenderAndNonce", "eth_sendUnsignedTransaction")
"""What only a chain in memory, or one where nobody need sign, can answer."""

METHODS: Final[dict[str, Method]] = table(
    [method for method in chains.METHODS if method.name not in _DEVELOPMENT],
    prices.METHODS,
    [method for method in sending.METHODS if method.name not in _DEVELOPMENT],
    listening.METHODS,
    about.METHODS,
    openrpc.METHODS,
    cells.METHODS,
    messages.METHODS,
    privacy.METHODS,
    controls.PLAYED,
    ledger_debug.METHODS,
    absent.METHODS,
    markets.METHODS,
)
"""Every method by its name."""
