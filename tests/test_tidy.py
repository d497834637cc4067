"""The tree keeps its own rules, where no ready linter knows them.

A rule is a row of `RULES`: what it says, where it holds, how it is checked, and a sample that it
must catch, so that no rule can rot into one that never fails. An exemption is an entry with a
reason, and one that is not needed fails.
"""

import ast
import gc
import itertools
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.exemptions import (
    BROAD_EXCEPT,
    BUDGET_LINES,
    ENTRY_POINTS,
    FLOATS,
    FOR_TYPE_CHECKERS,
    LAZY_IMPORTS,
    ROOTLESS,
    SRC,
)

ROOT = Path(__file__).resolve().parents[1]
PYTHON = (SRC, "tests/", "tools/", "bench/")
EXACT = tuple(
    f"{SRC}{package}/"
    for package in ("base", "evm", "ir", "lang", "ledger/state", "market", "proof")
)
"""Packages whose results every node must agree on to the bit."""

FUNCTION_LINES_MAX, FILE_LINES_MAX = 50, 500


class Source(msgspec.Struct, frozen=True):
    """A file of Python.

    Attributes:
        path: Relative to the root of the repository, with slashes.
        text: Its content.
        tree: Its syntax tree.
        nodes: Every node of the tree, by its type.
    """

    path: str
    text: str
    tree: ast.Module
    nodes: dict[type, list[Any]]

    def of(self, *kinds: type) -> Iterator[Any]:
        return itertools.chain.from_iterable(self.nodes.get(kind, ()) for kind in kinds)


Findings = Iterator[tuple[int, str]]
"""Line and what is wrong there."""


class Rule(msgspec.Struct, frozen=True):
    """What must hold of every file in some folders.

    Attributes:
        says: The rule, as a person would put it.
        within: Prefixes of the paths where it holds.
        check: Finds what breaks it.
        bad: A sample that breaks it.
        exempt: Paths that may break it, with the reason.
    """

    says: str
    within: tuple[str, ...]
    check: Callable[[Source], Findings]
    bad: str
    exempt: dict[str, str] = {}


@cache
def tracked() -> tuple[str, ...]:
    """Name every file of the repository that is not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(sorted({name for name in listed.splitlines() if (ROOT / name).is_file()}))


@cache
def sources() -> tuple[Source, ...]:
    """Parse every file of Python (programs in Numen's language are not)."""
    names = [name for name in tracked() if name.startswith(PYTHON) and name.endswith(".py")]
    gc.disable()  # two million nodes, and none of them garbage: looking for it is most of the time
    try:
        return tuple(sample((ROOT / n).read_text(), n) for n in names if "/jobs/" not in n)
    finally:
        gc.enable()


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    """Let go of the trees behind the last test, else every later one is collected among them."""
    yield
    sources.cache_clear()


def sample(text: str, path: str = f"{SRC}base/sample.py") -> Source:
    tree, nodes = ast.parse(text), defaultdict(list)
    for node in ast.walk(tree):
        nodes[type(node)].append(node)
    return Source(path, text, tree, nodes)


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
IMPORTS = (ast.Import, ast.ImportFrom)


def dotted(node: ast.AST) -> str:
    """Spell a name or an attribute of a name, else give an empty text."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imported(node: ast.AST) -> list[str]:
    """Name what an import brings in, as dotted names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


# Checks, in the order of the rows below. ---------------------------------------------------------


def long_functions(source: Source) -> Findings:
    for fn in source.of(*FUNCTIONS):
        lines = fn.end_lineno - fn.lineno + 1
        if ast.get_docstring(fn) is not None:
            lines -= fn.body[0].end_lineno - fn.body[0].lineno + 1
        if lines > FUNCTION_LINES_MAX:
            yield fn.lineno, f"{fn.name} has {lines} lines without its docstring"


def long_files(source: Source) -> Findings:
    count = source.text.count("\n")
    if count > FILE_LINES_MAX:
        yield count, f"{count} lines"


def vague_names(source: Source) -> Findings:
    stem = Path(source.path).stem
    vague = "base|common|core|handlers?|helpers|managers?|misc|stuff|utils?|.*_(v?2|new|old|tmp)"
    if re.fullmatch(vague, stem):
        yield 1, f"{stem} says nothing about what is in it"


def missing_docstrings(source: Source) -> Findings:
    if source.text.strip() and not ast.get_docstring(source.tree):
        yield 1, "no docstring"


def floats(source: Source) -> Findings:
    for node in source.of(ast.Constant, ast.BinOp, ast.AugAssign, ast.Call, ast.Attribute):
        if isinstance(node, ast.Constant) and isinstance(node.value, (float, complex)):
            yield node.lineno, f"the constant {node.value!r}"
        elif isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
            yield node.lineno, "true division"
        elif isinstance(node, ast.Call) and dotted(node.func) == "float":
            yield node.lineno, "a call of float"
        elif isinstance(node, ast.Attribute) and re.fullmatch(r"float\d*", node.attr):
            yield node.lineno, f"the type {node.attr}"


def seeded_hashes(source: Source) -> Findings:
    for node in source.of(ast.Call):
        if dotted(node.func) == "hash":
            yield node.lineno, "a call of hash, which differs between runs"


def banned_calls(source: Source) -> Findings:
    calls = {
        "eval",
        "exec",
        "compile",
        "__import__",
        "breakpoint",
        "input",
        "os.system",
        "os.popen",
    }
    modules = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
    for node in source.of(ast.Call):
        if dotted(node.func) in calls:
            yield node.lineno, f"a call of {dotted(node.func)}"
        for option in node.keywords:
            if option.arg in {"shell", "allow_pickle"}:
                yield node.lineno, f"the option {option.arg}"
    for node in source.of(*IMPORTS):
        for name in imported(node):
            if name.split(".")[0] in modules:
                yield node.lineno, f"an import of {name}"


def printing(source: Source) -> Findings:
    for node in source.of(ast.Call):
        if dotted(node.func) == "print":
            yield node.lineno, "a call of print"


def assert_false(source: Source) -> Findings:
    for node in source.of(ast.Assert):
        if isinstance(node.test, ast.Constant):
            yield node.lineno, "an assertion of a constant"


def broad_except(source: Source) -> Findings:
    for node in source.of(ast.ExceptHandler):
        kinds = ast.walk(node.type) if node.type else [ast.Name("BaseException")]
        last = node.body[-1]
        is_passed_on = isinstance(last, ast.Raise) and last.exc is None
        broad = any(dotted(kind) in {"Exception", "BaseException"} for kind in kinds)
        if broad and not is_passed_on:
            yield node.lineno, "a handler of every exception"


def globals_(source: Source) -> Findings:
    for node in source.of(ast.Global):
        yield node.lineno, f"global {', '.join(node.names)}"


def rootless_errors(source: Source) -> Findings:
    for node in source.of(ast.ClassDef):
        for base in map(dotted, node.bases):
            builtin = base in {"Exception", "BaseException"} or re.fullmatch(
                r"(Value|Type|Runtime|Key|Index|Lookup|Arithmetic|OS|IO|Assertion)Error", base
            )
            if builtin:
                yield node.lineno, f"{node.name} hangs below {base}"


def lazy_imports(source: Source) -> Findings:
    for fn in source.of(*FUNCTIONS):
        for node in ast.walk(fn):
            for name in imported(node):
                yield node.lineno, f"{fn.name} imports {name}"


def type_checking(source: Source) -> Findings:
    for node in source.of(ast.If):
        if dotted(node.test).endswith("TYPE_CHECKING"):
            yield node.lineno, "a block for type checkers only"


def root_imports(source: Source) -> Findings:
    for node in source.of(*IMPORTS):
        for name in imported(node):
            first, _, rest = name.partition(".")
            floor = ROOT / SRC / rest.partition(".")[0]
            if first == "numen" and not (
                rest and (floor.is_dir() or floor.with_suffix(".py").is_file())
            ):
                yield node.lineno, f"an import of {name}, which is above every floor"


def unused_private(source: Source) -> Findings:
    used = {node.id for node in source.of(ast.Name)}
    used |= {node.attr for node in source.of(ast.Attribute)}
    for node in source.tree.body:
        named = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.decorator_list
        if named and re.match(r"_[A-Za-z]", node.name) and node.name not in used:
            yield node.lineno, f"{node.name} is never used"


def skips_without_reason(source: Source) -> Findings:
    called = {id(call.func): call for call in source.of(ast.Call)}
    for node in source.of(ast.Attribute):
        if re.fullmatch(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)", dotted(node)):
            call = called.get(id(node))
            options = {option.arg for option in call.keywords} if call else set()
            has_words = call and call.args and node.attr in {"skip", "xfail"}
            if not (options & {"reason"} or has_words):
                yield node.lineno, f"{dotted(node)} without a reason"


def toothless_tests(source: Source) -> Findings:
    checking = {"raises", "warns", "fail", "suppress", "check", "verify"}
    for node in source.of(ast.ImportFrom):
        if (node.module or "").startswith("tests"):
            checking |= {alias.asname or alias.name for alias in node.names}
    known = {fn.name: fn for fn in source.of(*FUNCTIONS)}
    for fn in known.values():
        if fn.name.startswith("test_") and not _can_fail(fn, known, checking, frozenset()):
            yield fn.lineno, f"{fn.name} asserts nothing"


def _can_fail(fn: ast.AST, known: dict, checking: set[str], seen: frozenset[str]) -> bool:
    for node in ast.walk(fn):
        if isinstance(node, ast.Assert | ast.Try):  # a handler lets every other error through
            return True
        if isinstance(node, ast.Call):
            name = dotted(node.func).rpartition(".")[2]
            if name in checking:
                return True
            inner = known.get(name)
            if inner and name not in seen and _can_fail(inner, known, checking, seen | {name}):
                return True
    return False


# fmt: off
RULES = (
    Rule("a function fits on a screen", PYTHON, long_functions,
         "def f():\n" + "    x = 1\n" * 51),
    Rule("a file holds one idea", PYTHON, long_files, "x = 1\n" * 501),
    Rule("a module starts with what it is", PYTHON, missing_docstrings, "x = 1\n"),
    Rule("no floats where nodes must agree", EXACT, floats, "x = a / 2", FLOATS),
    Rule("no hash() where nodes must agree", EXACT, seeded_hashes, "x = hash(a)"),
    Rule("nothing runs text as code, or reads pickles", (SRC,), banned_calls, "eval('1')"),
    Rule("nothing below the command line prints", (SRC,), printing, "print(1)"),
    Rule("an assertion can hold", PYTHON, assert_false, "assert False, 'no'"),
    Rule("an error is caught by its name", (SRC,), broad_except,
         "try:\n    f()\nexcept Exception:\n    pass", BROAD_EXCEPT),
    Rule("modules have no state that functions change", (SRC,), globals_,
         "def f():\n    global x"),
    Rule("every error hangs below NumenError", (SRC,), rootless_errors,
         "class E(ValueError):\n    pass", ROOTLESS),
    Rule("imports stand at the top", (SRC,), lazy_imports,
         "def f():\n    import os", LAZY_IMPORTS),
    Rule("no cycle hides behind TYPE_CHECKING", (SRC,), type_checking,
         "if TYPE_CHECKING:\n    import os", FOR_TYPE_CHECKERS),
    Rule("floors do not import the public names", (SRC,), root_imports, "from numen import run"),
    Rule("what is private is used in its file", PYTHON, unused_private, "def _f():\n    pass"),
    Rule("a skipped test says why", ("tests/",), skips_without_reason, "pytest.skip()"),
    Rule("a test can fail", ("tests/",), toothless_tests, "def test_x():\n    f()"),
)
# fmt: on


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.check.__name__)
def test_the_tree_keeps_the_rule(rule):
    findings = [
        f"{source.path}:{line}: {what}"
        for source in sources()
        if source.path.startswith(rule.within) and source.path not in rule.exempt
        for line, what in rule.check(source)
    ]

    assert not findings, "\n".join([rule.says, *findings])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.check.__name__)
def test_the_rule_catches_its_sample_and_spares_an_empty_file(rule):
    assert list(rule.check(sample(rule.bad)))
    assert not list(rule.check(sample("")))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.check.__name__)
def test_every_exemption_is_needed(rule):
    by_path = {source.path: source for source in sources()}
    idle = [p for p in rule.exempt if p not in by_path or not list(rule.check(by_path[p]))]

    assert not idle, f"{rule.says}: not needed: {idle}"


def test_names_of_modules_say_what_is_in_them():
    vague = [source.path for source in sources() if list(vague_names(source))]

    assert not vague
    assert list(vague_names(sample("", "src/numen/ir/utils.py")))


def test_packages_keep_to_their_budgets():
    spent: Counter[str] = Counter()
    for source in sources():
        if source.path.startswith(SRC):
            package, _, rest = source.path.removeprefix(SRC).partition("/")
            spent[package if rest else ""] += source.text.count("\n")

    assert set(spent) <= set(BUDGET_LINES), "a package has no budget"
    over = {name: lines for name, lines in spent.items() if lines > BUDGET_LINES[name]}
    assert not over, f"over budget: {over}"


def test_every_module_is_imported_by_another():
    ours = [source for source in sources() if source.path.startswith(SRC)]
    wanted = set(ENTRY_POINTS)
    for source in ours:
        for node in source.of(ast.Constant, *IMPORTS):
            names = imported(node)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names = [node.value.partition(":")[0]]  # a lazy import by name
            wanted |= {name for full in names for name in (full, full.rpartition(".")[0])}
    dead = [s.path for s in ours if not s.path.endswith("__init__.py") and _module(s) not in wanted]

    assert not dead


def _module(source: Source) -> str:
    return source.path.removeprefix("src/").removesuffix(".py").replace("/", ".")


# Text of every kind. -----------------------------------------------------------------------------

PATH_ROOTS = "bin|dev|etc|lib|lib64|path|proc|sys|tmp|usr|assets|tree|why"
"""First parts of absolute paths that exist on every machine, stand for any, or are of our pages."""

BANNED_TEXT = {
    "an issue instead of a note": re.compile(r"\b(T[O]DO|FIX[M]E|XX[X]|HA[C]K)\b"),
    "no path of one machine": re.compile(rf"(?:^|[\s\"'`(=])/(?!(?:{PATH_ROOTS})/)[a-z]+/[\w.]"),
    "no host of a package registry": re.compile(
        r"\b(?:registry|files|index|deb|static|proxy)\.[a-z-]+\.(?:org|com|io)\b|pyp[i]\.org"
    ),
}
"""What no file of text may contain, spelled so that this file does not."""


@pytest.mark.parametrize(("says", "pattern"), BANNED_TEXT.items(), ids=list(BANNED_TEXT))
def test_no_file_contains(says, pattern):
    findings = [
        f"{name}:{number}: {line.strip()}"
        for name, lines in texts()
        for number, line in enumerate(lines, 1)
        if pattern.search(line)
    ]

    assert not findings, "\n".join([says, *findings])


def test_banned_text_is_found():
    note, path, host = BANNED_TEXT.values()

    assert note.search("# " + "T0DO".replace("0", "O"))
    assert path.search("open('" + "@some@where".replace("@", "/"))
    assert host.search("from " + "index,example,org".replace(",", "."))


def texts() -> Iterable[tuple[str, list[str]]]:
    """Give the lines of every file of text; data of others is theirs to word."""
    for name in tracked():
        data = (ROOT / name).read_bytes()
        if b"\0" not in data and not name.startswith("tests/vectors/"):
            yield name, data.decode(errors="replace").splitlines()
