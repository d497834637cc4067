"""The ways of one pure call through a contract, found before anything is written down."""

from typing import Final

import msgspec

from numen.evm.lift.call import PureCall
from numen.evm.lift.constants import KNOWN, Known
from numen.evm.lift.errors import DynamicMemoryError, LiftLimitError
from numen.evm.lift.graph import Graph, explore
from numen.evm.lift.instructions import Bytecode
from numen.evm.lift.limits import FUNCTION_STEPS_MAX, RETURNS_MAX
from numen.evm.lift.signature import Signature

SOLIDITY_HEAP: Final = 0x80
VYPER_HEAP: Final = 0x40
"""Where memory begins that the compilers reach at computed offsets; below it they keep scratch
space, and Solidity the pointer to its free memory. Other code is lifted if it keeps to the second.
"""

_PUSHES_HEAP: Final = (bytes.fromhex("60806040"), bytes.fromhex("6040608081"))


class Ways(msgspec.Struct, frozen=True):
    """What a call can reach.

    Attributes:
        graph: Every jump resolved.
        bytes_from: Offset from which on memory is reached at computed offsets; None where none is.
    """

    graph: Graph
    bytes_from: int | None


def find_ways(bytecode: Bytecode, signature: Signature) -> Ways:
    """Follow a call with unknown arguments through a contract.

    Raises:
        UnresolvedJumpError: A jump's target is not known before the run.
        ImpureError: The call can come to an instruction that is not pure.
        DynamicMemoryError: A length is not known, or an access is to either part of memory.
        LiftLimitError: A bound is reached.
    """
    try:
        return Ways(_explore(bytecode, signature, None), None)
    except DynamicMemoryError:
        # Memory in bytes is the dearer kind, taken where it has to be.
        start = SOLIDITY_HEAP if _is_solidity(bytecode.code) else VYPER_HEAP
        return Ways(_explore(bytecode, signature, start), start)


def _explore(bytecode: Bytecode, signature: Signature, bytes_from: int | None) -> Graph:
    for returns in (RETURNS_MAX, 1):
        arguments: list[Known] = [
            word if isinstance(word, int) else None for word in signature.words
        ]
        call: PureCall[Known] = PureCall(
            bytecode.code, KNOWN, signature.selector, arguments, bytes_from
        )
        try:
            graph = explore(bytecode, call, returns, FUNCTION_STEPS_MAX)
        except LiftLimitError:
            if returns == 1:
                raise
            continue
        graph.require_resolved()
        return graph
    raise AssertionError("the last try gives a graph or an error")


def _is_solidity(code: bytes) -> bool:
    """Whether code begins by setting up the pointer to free memory as Solidity's compilers do."""
    return any(push in code[:32] for push in _PUSHES_HEAP)
