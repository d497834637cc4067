"""Methods of a node of a ledger of several: whom it trusts, and what needs no keys of its own."""

from typing import Final

from numen.node.rpc import bonds, followed, trust
from numen.node.rpc.ledger_methods import METHODS as LEDGER_METHODS
from numen.node.rpc.table import Method, table

_LEFT_OUT: Final = frozenset(
    {
        "eth_accounts", "eth_fillTransaction", "eth_sendRawTransactionSync", "eth_sendTransaction",
        "eth_sign", "eth_signTransaction", "eth_signTypedData", "eth_signTypedData_v4",
        "eth_newFilter", "eth_newBlockFilter", "eth_newPendingTransactionFilter",
        "eth_getFilterChanges", "eth_getFilterLogs", "eth_uninstallFilter", "eth_subscribe",
        "eth_unsubscribe", "net_peerCount", *(method.name for method in followed.METHODS),
    }
)  # fmt: skip
"""Without keys nothing is signed; a block is not made because somebody asks; filters would have to
be remembered from one block to the next; what waits, waits at the node beside it."""


def _is_here(name: str) -> bool:
    namespace, _, rest = name.partition("_")
    return name not in _LEFT_OUT and namespace in _NAMESPACES and rest != "mine"


_NAMESPACES: Final = ("eth", "net", "web3", "rpc", "rpc.discover", "numen")

METHODS: Final[dict[str, Method]] = table(
    [method for name, method in LEDGER_METHODS.items() if _is_here(name)],
    followed.METHODS,
    trust.METHODS,
    bonds.METHODS,
)
"""Every method by its name."""
