"""Methods of an Ethereum that a ledger has no answer for: whoever asks is told why."""

from collections.abc import Callable
from typing import Any, Final

from numen.node.rpc.faults import SERVER, RpcError
from numen.node.rpc.table import Session, rows

_NO_PRICES: Final = "the price of work is the node's own, chosen when it starts (--price)"
_NO_TRIE: Final = "its state is no Merkle-Patricia trie; numen_getProof shows accounts and slots"
_NO_LIMIT: Final = "its blocks are bounded by deliveries, not by gas"
_NO_MAKER: Final = "who makes blocks signs them, and has the fees"

_WHY: Final = {
    "eth_getProof": _NO_TRIE,
    "eth_createAccessList": "a message costs the same whatever it was said to look at",
    "evm_setBlockGasLimit": _NO_LIMIT,
    "anvil_setBlockGasLimit": _NO_LIMIT,
    "anvil_rollback": "there is evm_snapshot and evm_revert",
    "anvil_setCoinbase": _NO_MAKER,
    "hardhat_setCoinbase": _NO_MAKER,
    "anvil_setNextBlockBaseFeePerGas": _NO_PRICES,
    "hardhat_setNextBlockBaseFeePerGas": _NO_PRICES,
    "anvil_setMinGasPrice": _NO_PRICES,
    "hardhat_setMinGasPrice": _NO_PRICES,
    "anvil_setPrevRandao": "its blocks have no word of chance",
    "hardhat_setPrevRandao": "its blocks have no word of chance",
}
"""Methods, and why a ledger has none."""


def _refusal(reason: str) -> Callable[..., Any]:
    # Whatever is asked, as long as an Ethereum would be asked it.
    def refuse(
        session: Session,  # noqa: ARG001 - every method is asked by somebody
        first: Any = None,  # noqa: ARG001
        second: Any = None,  # noqa: ARG001
        third: Any = None,  # noqa: ARG001
    ) -> Any:
        raise RpcError(SERVER, f"not on a ledger: {reason}")

    refuse.__doc__ = f"Not on a ledger: {reason}."
    return refuse


METHODS = rows({name: _refusal(reason) for name, reason in _WHY.items()})
