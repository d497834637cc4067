"""Write the tables of docs/reference/ that follow from the code.

    python tools/reference.py            write them
    python tools/reference.py --check    say which page differs; exit code 1 when one does

A table stands between two marks, `<!-- table: NAME -->` and `<!-- end: NAME -->`. What stands
outside the marks is left as it is.
"""

import argparse
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numen
from numen.base.crypto import SigningKey
from numen.base.eip712 import Domain
from numen.base.errors import NumenError
from numen.cli.output import EXIT_FALSE, EXIT_INPUT, is_false
from numen.ir import codes, ops, trap, types
from numen.ir.ops import Effect, On, Op, ProofClass
from numen.ledger.state.kv import MemoryKV
from numen.market import events as market_events
from numen.market.coins import issue
from numen.market.turn import new_market
from numen.node.ledger.node import LedgerNode
from numen.node.ledger.settings import Settings as LedgerSettings
from numen.node.rpc.ledger_methods import METHODS as LEDGER_METHODS
from numen.node.rpc.methods import METHODS
from numen.node.rpc.openrpc import default_text
from numen.node.rpc.replica_methods import METHODS as REPLICA_METHODS
from numen.node.rpc.table import Method, Param
from numen.watch import metrics as watch_metrics
from numen.watch.ledger import Chronicle
from numen.watch.story import Story
from numen.watch.traffic import Traffic

ROOT: Final = Path(__file__).resolve().parents[1]
PAGES: Final = ROOT / "docs" / "reference"

NOT_IMPORTED: Final = (
    "__main__", "worker", "jobs", "judges", "backend", "bindings", "quic", "iroh"
)  # fmt: skip
"""Programs, and what needs libraries of others: they have no errors of their own."""

WITHOUT_MEANING: Final = {
    Op.CONST: "The constant of the instruction.",
    Op.REQUIRE: "Nothing where the operand is true; else a trap with the author's message.",
    Op.ARRAY: "A fresh array: zeros, or the data of the instruction.",
    Op.GET: "The element at an index.",
    Op.SET: "Writes the element at an index.",
    Op.SLICE: "A view of a part of an array; the index is its first element.",
    Op.COPY: "Writes the first array with the second, which may overlap it.",
    Op.MEMORY: "A fresh memory, all zero.",
    Op.LOAD: "The word at a byte offset, little-endian; every byte must be inside.",
    Op.STORE: "Writes a word at a byte offset, little-endian; every byte must be inside.",
    Op.CALL: "Runs a function of the module.",
    Op.HASH: "Keccak-256 of two words, big-endian, the first one first.",
    Op.HASH_BYTES: "Keccak-256 of so many of the first bytes of words, big-endian.",
    Op.RECOVER: "The account that signed a digest, by r, s and v; 0 where that is no signature.",
    Op.STATE_LOAD: "What a slot of the contract holds.",
    Op.STATE_STORE: "Writes a slot of the contract.",
    Op.EMIT: "Emits a record: its kind, words, and how many of them; no more than there are.",
    Op.METER: "Charges work; put in when a program is loaded, and in no bytecode.",
}
"""What those instructions do that touch more than their registers."""

REASONS: Final = {
    trap.Reason.OVERFLOW: "a sum, difference, product or quotient outside of its type",
    trap.Reason.DIVISION_BY_ZERO: "`//`, `%` or modulo zero; `div_mod` by what has no inverse",
    trap.Reason.SHIFT: "a shift by the width or more, or by less than zero",
    trap.Reason.CONVERSION: "`u8(x)` of a number that is no `u8`",
    trap.Reason.INDEX: "an index or offset outside of its list or memory",
    trap.Reason.REQUIREMENT: "an `assert` that fails",
    trap.Reason.UNREACHABLE: "an end that the compiler had shown to be out of reach",
    trap.Reason.WORK_LIMIT: "the run used up its work units",
    trap.Reason.HOST: "a contract touched too many slots, or asked for too much",
}
"""When each trap happens."""

ON: Final = {
    On.NOTHING: "",
    On.BOOL: "bool",
    On.UNSIGNED: "u",
    On.SIGNED: "i",
    On.FIELD: "felt",
    On.ARRAY: "array",
    On.MEMORY: "memory",
}
"""What a kind of suffix is called."""

PROOF: Final = {
    ProofClass.FREE: "free",
    ProofClass.PRODUCT: "a constraint",
    ProofClass.BITS: "one a bit",
    ProofClass.STORE: "by index",
    ProofClass.CONTROL: "its body",
    ProofClass.NONE: "none",
}

assert set(WITHOUT_MEANING) == {op for op in Op if ops.SPECS[op].means is None}
assert set(REASONS) == set(trap.Reason)


def instructions() -> Iterator[str]:
    """Every instruction, in the order of its table in `ir/ops.py`."""
    yield "| instruction | byte | on | in | out | effect | work | circuit | what it gives |"
    yield "|---|---|---|---|---|---|--:|---|---|"
    for op, spec in ops.SPECS.items():
        cells = (
            f"`{op.value}`",
            f"`{codes.OPCODES[op]:02x}`" if op in codes.OPCODES else "",
            ", ".join(ON[on] for on in On if on in spec.on and ON[on]),
            _letters(spec.operands),
            _letters(spec.results),
            ", ".join(str(one.name).lower() for one in Effect if one in spec.effect),
            str(spec.work),
            PROOF[spec.proof],
            WITHOUT_MEANING[op] if spec.means is None else _first_line(spec.means),
        )
        yield f"| {' | '.join(cells)} |"


def words() -> Iterator[str]:
    """Every type of a word."""
    yield "| type | code | from | to | bytes |"
    yield "|---|---|---|---|--:|"
    for word in types.WORDS.values():
        low = "0" if word.low == 0 else f"-2^{word.bits - 1}"
        top = word.bits - (word.kind is types.Kind.SIGNED)
        high = "r - 1" if word.kind is types.Kind.FIELD else f"2^{top} - 1"
        code = codes.WORD_CODES[word]
        yield f"| `{word}` | `{code:02x}` | {low} | {high} | {word.size_bytes} |"


def traps() -> Iterator[str]:
    """Every reason of a trap."""
    yield "| reason | when |"
    yield "|---|---|"
    for reason in trap.Reason:
        yield f"| {reason.value} | {REASONS[reason]} |"


def errors() -> Iterator[str]:
    """Every error below the root, as a tree."""
    for module in pkgutil.walk_packages(numen.__path__, "numen."):
        if not any(part in NOT_IMPORTED for part in module.name.split(".")):
            importlib.import_module(module.name)
    yield "| error | when | exit code | in |"
    yield "|---|---|--:|---|"
    yield from _below(NumenError, 0)


def events() -> Iterator[str]:
    """Every event of a market's log."""
    yield "| event | what happened | with |"
    yield "|---|---|---|"
    for event in market_events.Base.__subclasses__():
        fields = ", ".join(f"`{name}`" for name in event.__struct_fields__ if name != "at_ms")
        tag = event.__struct_config__.tag
        yield f"| `{tag}` | {_first_line(event)} | {fields} |"


def metrics() -> Iterator[str]:
    """Every number that a page gives to Prometheus."""
    kv = MemoryKV()
    node = LedgerNode(kv, LedgerSettings({}, SigningKey.from_seed(b"reference")), 0)
    market = new_market(Domain("Numen", "1", 1, bytes(20)), issue({}))
    yield "| name | kind | by | |"
    yield "|---|---|---|---|"
    for family in (
        *watch_metrics.of_market(Story(), market),
        *watch_metrics.of_ledger(Chronicle(node)),
        *watch_metrics.of_chain({"height": 0, "states": {}, "work": 0, "pool": 0}),
        *watch_metrics.of_trust({"nodes": (), "count": 0}),
        *watch_metrics.of_bonds({"left": 0, "rewarded": 0, "burnt": 0, "bonds": ()}),
        *watch_metrics.of_process(Traffic(), {"outbox": 0}, 0),
    ):
        suffix = "_total" if family.type == "counter" else ""
        labels = ", ".join(f"`{name}`" for name in getattr(family, "_labelnames", ()))
        yield f"| `{family.name}{suffix}` | {family.type} | {labels} | {family.documentation} |"


def rpc() -> Iterator[str]:
    """Every method of a development chain, by namespace."""
    yield from _methods(METHODS.values())


def rpc_ledger() -> Iterator[str]:
    """Every method of a ledger that a development chain does not have, or not so."""
    shared = set(METHODS.values())
    yield from _methods(method for method in LEDGER_METHODS.values() if method not in shared)


def rpc_replica() -> Iterator[str]:
    """Every method of a node of a ledger of several that a ledger does not have, or not so."""
    shared = set(LEDGER_METHODS.values())
    yield from _methods(method for method in REPLICA_METHODS.values() if method not in shared)


def _methods(methods: Iterable[Method]) -> Iterator[str]:
    yield "| method | takes | what it does |"
    yield "|---|---|---|"
    for method in sorted(methods, key=lambda method: method.name):
        name = method.name
        takes = ", ".join(map(_taken, method.params))
        text = " ".join([method.summary, *method.description.split()]).replace("|", "\\|")
        yield f"| `{name}` | {takes} | {text} |"


def _taken(param: Param) -> str:
    kind = getattr(param.type, "__name__", "") or str(param.type)
    kind = re.sub(r"(?:numen\.[\w.]+|typing|msgspec)\.(?=\w)", "", kind)
    kind = kind.replace(" | None", "").replace("|", "or")
    shown = f"{param.name}: {kind}"
    if param.is_required:
        return shown
    default = default_text(param)
    return f"[{shown}]" if default is None else f"[{shown} = {default}]"


def _below(parent: type[NumenError], depth: int) -> Iterator[str]:
    ours = [error for error in parent.__subclasses__() if error.__module__.startswith("numen.")]
    for error in sorted(ours, key=lambda error: (error.__module__, error.__name__)):
        # Made without its constructor, which asks for what went wrong.
        code = EXIT_FALSE if is_false(error.__new__(error)) else EXIT_INPUT
        module = error.__module__.removeprefix("numen.")
        yield f"| {'· ' * depth}`{error.__name__}` | {_first_line(error)} | {code} | `{module}` |"
        yield from _below(error, depth + 1)


def _letters(letters: str) -> str:
    return f"`{letters}`" if letters else ""


def _first_line(documented: object) -> str:
    text = inspect.getdoc(documented) or ""
    return text.partition("\n")[0].replace("``", "`").replace("|", "\\|")


TABLES: Final[dict[str, tuple[str, Callable[[], Iterator[str]]]]] = {
    "instructions": ("ir.md", instructions),
    "words": ("ir.md", words),
    "traps": ("ir.md", traps),
    "errors": ("errors.md", errors),
    "metrics": ("watch.md", metrics),
    "events": ("formats.md", events),
    "rpc": ("rpc.md", rpc),
    "rpc-ledger": ("rpc.md", rpc_ledger),
    "rpc-replica": ("rpc.md", rpc_replica),
}
"""Each table: the page it stands in, and what writes it."""


def put(page: str, name: str, lines: Iterator[str]) -> str:
    """Place a table between its marks.

    Raises:
        ValueError: The page has no marks for it.
    """
    first, last = f"<!-- table: {name} -->", f"<!-- end: {name} -->"
    before, opened, rest = page.partition(first)
    _, closed, after = rest.partition(last)
    if not opened or not closed:
        raise ValueError(f"no marks for the table {name}")
    return "\n".join([f"{before}{first}", "", *lines, "", f"{last}{after}"])


def pages() -> dict[Path, str]:
    """What each page with tables should be."""
    found: dict[Path, str] = {}
    for name, (file, lines) in TABLES.items():
        path = PAGES / file
        found[path] = put(found.get(path) or path.read_text(), name, lines())
    return found


def main(arguments: Sequence[str]) -> int:
    """Write the tables, or check them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args(arguments)
    changed = [path for path, text in pages().items() if path.read_text() != text]
    for path in changed:
        print(path.relative_to(ROOT))
        if not options.check:
            path.write_text(pages()[path])
    return int(options.check and bool(changed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
