"""Numen: write a computation once; run it at native speed, prove it, sell it, let anyone check it.

>>> import numen
>>> add = numen.compile("def main(a, b): return a + b")
>>> add(2, 3)
5

`compile` takes a source text or a Python function, also as a decorator. What it returns can be
called, and has `run`, `inspect`, `setup` and `prove`; `verify` checks a proof. The names of the
language (`u64`, `felt`, `Private`, …) are here for editors and type checkers.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from numen.base.errors import NumenError as NumenError
from numen.base.names import Private as Private
from numen.base.names import felt as felt
from numen.base.names import i64 as i64
from numen.base.names import i128 as i128
from numen.base.names import i256 as i256
from numen.base.names import u8 as u8
from numen.base.names import u16 as u16
from numen.base.names import u32 as u32
from numen.base.names import u64 as u64
from numen.base.names import u128 as u128
from numen.base.names import u256 as u256

if TYPE_CHECKING:
    from numen.api.compiled import Compiled as Compiled
    from numen.api.compiled import compile_ as compile  # noqa: A004, F401 - the word for it
    from numen.api.market import Market as Market
    from numen.api.proofs import Keys as Keys
    from numen.api.proofs import Proven as Proven
    from numen.api.proofs import verify as verify
    from numen.api.sync import SyncMarket as SyncMarket
    from numen.api.task import Task as Task
    from numen.api.task import task as task

_LAZY = {
    "Compiled": "numen.api.compiled:Compiled",
    "Keys": "numen.api.proofs:Keys",
    "Market": "numen.api.market:Market",
    "Proven": "numen.api.proofs:Proven",
    "SyncMarket": "numen.api.sync:SyncMarket",
    "Task": "numen.api.task:Task",
    "compile": "numen.api.compiled:compile_",
    "task": "numen.api.task:task",
    "verify": "numen.api.proofs:verify",
}
"""Public names that need the compiler: imported when first asked for."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'numen' has no attribute {name!r}")
    module, _, attribute = _LAZY[name].partition(":")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
