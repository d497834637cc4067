"""The engines by name. An engine is imported when it is first asked for."""

from importlib import import_module
from typing import Any, Final, cast

from numen.evm.forks import Fork
from numen.evm.state import Source
from numen.evm.substate import Substate

ENGINES: Final = {
    "interpreter": "the native interpreter",
    "hot": "the native interpreter, and machine code of what is run often",
    "compiler": "machine code of everything, made before it is run",
    "reference": "the readable one in Python, about a thousand times slower",
}
"""What each engine is."""

_REFERENCE: Final = "numen.evm.reference.machine"
_NATIVE: Final = "numen.evm.native.machine"
_TIERS: Final = {"interpreter": "interpreter", "hot": "hot", "compiler": "whole"}


def make(engine: str, fork: Fork, source: Source, watcher: Any = None) -> Substate:
    """Make an engine.

    Args:
        engine: A name in `ENGINES`.
        fork: Whose rules hold.
        source: Where it reads accounts.
        watcher: Who is told of every instruction, a `reference.machine.Watcher`; of the reference
            alone.
    """
    assert engine in ENGINES
    if engine == "reference":
        return cast(Substate, import_module(_REFERENCE).ReferenceMachine(fork, source, watcher))
    assert watcher is None
    machine = import_module(_NATIVE).NativeMachine(fork, source, tier=_TIERS[engine])
    return cast(Substate, machine)
