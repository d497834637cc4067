"""The market's contract: compiled, and as others speak to it.

`market.abi.json` is written by `tools/market_abi.py`: whoever only asks need not compile.
"""

import json
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from numen.evm.contract import (
    Abi,
    Artifact,
    decode_output,
    encode_input,
    function_of,
    with_arguments,
)
from numen.lang.contracts.build import Contract, build
from numen.lang.modules import Texts
from numen.market.turn import Market
from numen.vm.codes import Code, write_code
from numen.vm.contract import write_contract

NAME: Final = "Market"
ABI_FILE: Final = "market.abi.json"

_MODULES: Final = ("messages",)


@cache
def contract() -> Contract:
    """Compile it; the same whenever it is asked for. Cost: a second or two, once."""
    modules = {name: _read(f"{name}.numen") for name in _MODULES}
    return build(_read("market.numen"), file="market.numen", name=NAME, resolver=Texts(modules))


@cache
def entries() -> Abi:
    """Its ABI."""
    found: Sequence[Mapping[str, Any]] = json.loads(_read(ABI_FILE))
    return found


def creation(market: Market, born_ms: int) -> bytes:
    """What a transaction creates the contract with, whose sender is then the hall.

    Args:
        market: Whose identity and domain of tickets it takes.
        born_ms: When the market's time began, in milliseconds since 1970.
    """
    separator = int.from_bytes(market.escrow.domain.separator(), "big")
    arguments = [int.from_bytes(market.identity, "big"), separator, born_ms]
    code = write_code(Code("numen", write_contract(contract())))
    return code + with_arguments(Artifact(b"", entries()), arguments)


def payload(name: str, *args: Any) -> bytes:
    """What asks the contract for something, by the name and arguments of a message or view."""
    return encode_input(function_of(entries(), name, len(args)), args)


def output(name: str, count: int, raw: bytes) -> Any:
    """What a view gave, by its name and the number of its arguments.

    Raises:
        AbiError: The bytes are not what it gives.
    """
    return decode_output(function_of(entries(), name, count), raw)


def _read(name: str) -> str:
    raw = pkgutil.get_data(__package__, name)
    assert raw is not None, "it comes with the package"
    return raw.decode()
