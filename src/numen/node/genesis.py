"""What a development chain has from the beginning, besides its accounts."""

from types import MappingProxyType
from typing import Final

from numen.evm.state import Account
from numen.evm.system import BLOCK_HASHES

DEPLOYER: Final = bytes.fromhex("4e59b44847b379578588920ca78fbf26c0b4956c")
"""Makes contracts at addresses that are the same on every chain (EIP-1014's CREATE2)."""

_DEPLOYER_CODE: Final = bytes.fromhex(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
)

_HISTORY_CODE: Final = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f356001430381"
    "11604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303"
    "065500"
)
"""Keeps the hashes of blocks (EIP-2935)."""

PREDEPLOYED: Final = MappingProxyType(
    {
        DEPLOYER: Account(nonce=1, code=_DEPLOYER_CODE),
        BLOCK_HASHES: Account(nonce=1, code=_HISTORY_CODE),
    }
)
"""Contracts that tools count on, as other development chains have them."""
