"""Random programs of the language that type-check, built statement by statement."""

import random
import re
from typing import Any

WORDS = ("u8", "u32", "u64", "i64", "u128", "felt")
GRID = "list[list[u64, 4], 2]"

INTEGER_FORMS = (
    "($self // $self)", "($self % $self)", "($self & $self)", "($self | $self)", "($self ^ $self)",
    "($self << %8)", "($self >> %8)", "($self >> ($self & 7))", "($self * %4 + 1)", "~$self",
    "min($self, $self)", "max($self, $self, $self)", "abs($self)", "($self & 3) ** %5",
    "pow($self & 3, $u64 & 3)", "wrapping_add($self, $self)", "wrapping_sub($self, $self)",
    "wrapping_mul($self, $self)", "$type($other)", "$type.wrapping($other)", "$type($bool)",
)  # fmt: skip
TRUTH_FORMS = (
    "($bool and $bool)", "($bool or $bool)", "($bool & $bool)", "($bool ^ $bool)", "(not $bool)",
    "($self < $self)", "($self <= $self)", "($self > $self)", "($self >= $self)",
    "($self == $self)", "($self != $self)", "($self < $self <= $self)", "bool($self)",
    "($felt == $felt)", "($bool == $bool)",
)  # fmt: skip
HEAD = """
@dataclass
class Pair:
    x: u64
    y: i64

TABLE: list[u64, 4] = [3, 1, 4, 1]
"""


class Scope:
    """The variables that surely have a value at a point, by type."""

    def __init__(self, outer: "Scope | None" = None) -> None:
        self.names = {of: list(names) for of, names in outer.names.items()} if outer else {}
        self.fixed = set(outer.fixed) if outer else set()

    def add(self, name: str, of: str, *, is_fixed: bool = False) -> None:
        self.names.setdefault(of, []).append(name)
        if is_fixed:
            self.fixed.add(name)

    def of(self, of: str) -> list[str]:
        return self.names.get(of, [])


class Generator:
    """Writes one program; every choice comes from ``r``."""

    def __init__(self, r: random.Random, words: tuple[str, ...] = WORDS) -> None:
        self.r = r
        self.words = words
        self.count = 0
        self.lines: list[str] = []
        self.functions: list[tuple[str, list[str], str]] = []
        self.loops = 0
        self.iterated: list[str] = []

    def program(self) -> tuple[str, list[Any]]:
        """The text, and arguments for its entry."""
        for _ in range(self.r.randrange(3)):
            self.function(f"f{len(self.functions)}")
        params = [self.r.choice([*self.words, "bool", "list[u64, 4]"]) for _ in range(3)]
        result = self.r.choice([*self.words, "bool", "tuple[u64, bool]", "list[u64, 4]", "Pair"])
        self.write_function("main", params, result)
        return HEAD + "\n".join(self.lines) + "\n", [self.argument(of) for of in params]

    def function(self, name: str) -> None:
        params = [
            self.r.choice([*self.words, "bool", "list[u64, 4]", "list[u64, N]", GRID, "Pair"])
            for _ in range(self.r.randrange(1, 4))
        ]
        if params.count("list[u64, N]") > 1:
            params = ["u64" if of == "list[u64, N]" else of for of in params]
        result = self.r.choice([*self.words, "bool", "list[u64, 4]", "Pair"])
        self.write_function(name, params, result)
        self.functions.append((name, params, result))

    def write_function(self, name: str, params: list[str], result: str) -> None:
        scope = Scope()
        heads = []
        for of in params:
            param = self.fresh("p")
            heads.append(f"{param}: {of}")
            scope.add(param, "list[u64, 4]" if of == "list[u64, N]" else of, is_fixed="[" in of)
        if "list[u64, N]" in params:
            # Only indices below 1 are sure to be inside of a list of any length.
            scope.names["list[u64, 4]"] = []
            for head in heads:
                if head.endswith("list[u64, N]"):
                    scope.add(head.split(":")[0], "generic", is_fixed=True)
        self.lines.append(f"def {name}({', '.join(heads)}) -> {result}:")
        self.result = result
        self.block(scope, 1, self.r.randrange(1, 7))
        self.put(1, f"return {self.given(result, scope)}")

    def block(self, scope: Scope, depth: int, count: int) -> None:
        self.put(depth, "pass")
        for _ in range(count):
            kinds = [self.declare, self.assign, self.store, self.branch, self.unpack, self.check]
            if depth < 4:
                kinds += [self.loop, self.loop_over, self.loop_while]
            if self.loops:
                kinds += [self.leave]
            self.r.choice(kinds)(scope, depth)

    def declare(self, scope: Scope, depth: int) -> None:
        of = self.r.choice([*self.words, "bool", "list[u64, 4]", GRID, "Pair"])
        name = self.fresh("v")
        if self.r.random() < 0.2:  # a struct that no other name holds: its fields may be assigned
            self.put(depth, f"{name} = {self.fill('Pair($u64, $i64)', of, scope, 2)}")
            scope.add(name, "own")
            return
        self.put(depth, f"{name}: {of} = {self.given(of, scope)}")
        scope.add(name, of)

    def assign(self, scope: Scope, depth: int) -> None:
        of = self.r.choice([of for of in (*self.words, "bool") if scope.of(of)] or ["none"])
        if of == "none":
            self.declare(scope, depth)
            return
        name = self.r.choice(scope.of(of))
        if of != "bool" and self.r.random() < 0.5:
            op = self.r.choice(["+", "-", "*"])
            self.put(depth, f"{name} {op}= {self.expr(of, scope, 2)}")
        else:
            self.put(depth, f"{name} = {self.expr(of, scope, 3)}")

    def store(self, scope: Scope, depth: int) -> None:
        arrays = scope.of("list[u64, 4]")
        own, pairs = scope.of("own"), scope.of("Pair")
        pairs = [name for name in pairs if name not in scope.fixed]
        if own:
            name, field = self.r.choice(own), self.r.choice(["x", "y"])
            of, op = {"x": "u64", "y": "i64"}[field], self.r.choice(["=", "+=", "="])
            self.put(depth, f"{name}.{field} {op} {self.expr(of, scope, 2)}")
        if arrays:
            name, op = self.r.choice(arrays), self.r.choice(["=", "+=", "^="])
            at = self.index(scope)
            self.put(depth, f"{name}[{at}] {op} {self.expr('u64', scope, 2)}")
            if self.r.random() < 0.3:
                i, j = self.r.randrange(4), self.r.randrange(4)
                self.put(depth, f"{name}[{i}], {name}[{j}] = {name}[{j}], {name}[{i}]")
            if self.is_free(name, scope) and self.r.random() < 0.3:
                self.put(depth, f"{name} = {self.given('list[u64, 4]', scope)}")
        if scope.of(GRID):
            self.store_grid(self.r.choice(scope.of(GRID)), scope, depth)
        if pairs:
            self.put(depth, f"{self.r.choice(pairs)} = {self.given('Pair', scope)}")

    def store_grid(self, name: str, scope: Scope, depth: int) -> None:
        row, column, op = self.r.randrange(-2, 2), self.index(scope), self.r.choice(["=", "*="])
        self.put(depth, f"{name}[{row}][{column}] {op} {self.expr('u64', scope, 2)}")
        if self.is_free(name, scope):
            self.put(depth, f"{name}[{row}] = {self.given('list[u64, 4]', scope)}")
        if self.is_free(name, scope) and self.r.random() < 0.3:
            self.put(depth, f"{name} = {self.given(GRID, scope)}")

    def is_free(self, name: str, scope: Scope) -> bool:
        """Whether an array may be replaced: it is the function's own, and no loop is in it."""
        return name not in scope.fixed and name not in self.iterated

    def branch(self, scope: Scope, depth: int) -> None:
        if depth > 4:
            return
        self.put(depth, f"if {self.expr('bool', scope, 2)}:")
        self.block(Scope(scope), depth + 1, self.r.randrange(3))
        if self.r.random() < 0.3:
            self.put(depth + 1, f"return {self.given(self.result, scope)}")
        if self.r.random() < 0.4:
            self.put(depth, f"elif {self.expr('bool', scope, 2)}:")
            self.block(Scope(scope), depth + 1, self.r.randrange(3))
        if self.r.random() < 0.5:
            self.put(depth, "else:")
            self.block(Scope(scope), depth + 1, self.r.randrange(3))

    def loop(self, scope: Scope, depth: int) -> None:
        inner, name = Scope(scope), self.fresh("i")
        of = self.r.choice(["u64", "i64", "u8"])
        if self.r.random() < 0.5:
            low, high = self.r.randrange(6), self.r.randrange(6)
            step = self.r.choice(["", ", 1", ", 2", ", -1", ", -2", ", 3"])
            self.put(depth, f"for {name} in range({of}({low}), {high}{step}):")
        else:
            bound = self.expr(of, scope, 1)
            edge = self.r.choice(
                [f"0, ({bound}) % 5", f"({bound}) % 5, -1, -1", f"({bound}) % 7, 9, 3"]
            )
            self.put(depth, f"for {name} in range({edge}):")
        inner.add(name, of)
        self.repeat(inner, depth)

    def loop_over(self, scope: Scope, depth: int) -> None:
        arrays = [*scope.of("list[u64, 4]"), *scope.of("generic"), *scope.of(GRID), "TABLE"]
        inner, name, array = Scope(scope), self.fresh("x"), self.r.choice(arrays)
        self.iterated.append(array)
        if array in scope.of(GRID):
            self.put(depth, f"for {name} in {array}:")
            inner.add(name, "list[u64, 4]", is_fixed=True)
            self.repeat(inner, depth)
            self.iterated.pop()
            return
        if self.r.random() < 0.5:
            self.put(depth, f"for {name} in {array}:")
        else:
            at = self.fresh("i")
            self.put(depth, f"for {at}, {name} in enumerate({array}):")
            inner.add(at, "u64")
        inner.add(name, "u64")
        self.repeat(inner, depth)
        self.iterated.pop()

    def loop_while(self, scope: Scope, depth: int) -> None:
        inner, name = Scope(scope), self.fresh("w")
        self.put(depth, f"{name}: u64 = u64({self.r.randrange(5)})")
        self.put(depth, f"while {name} > 0 and {self.expr('bool', scope, 2)}:")
        self.put(depth + 1, f"{name} -= 1")
        self.repeat(inner, depth)

    def repeat(self, scope: Scope, depth: int) -> None:
        self.loops += 1
        self.block(scope, depth + 1, self.r.randrange(1, 4))
        self.loops -= 1

    def leave(self, scope: Scope, depth: int) -> None:
        self.put(depth, f"if {self.expr('bool', scope, 2)}:")
        self.put(depth + 1, self.r.choice(["break", "continue"]))

    def unpack(self, scope: Scope, depth: int) -> None:
        a, b = self.fresh("v"), self.fresh("v")
        one, two = self.expr("u64", scope, 2), self.expr("bool", scope, 2)
        self.put(depth, f"{a}, {b} = {one}, {two}")
        scope.add(a, "u64")
        scope.add(b, "bool")

    def check(self, scope: Scope, depth: int) -> None:
        if self.r.random() < 0.3:
            self.put(depth, f'assert {self.expr("bool", scope, 2)}, "no"')

    def given(self, of: str, scope: Scope) -> str:
        """An expression of any type that is nobody else's."""
        r = self.r
        match of:
            case "list[u64, 4]":
                whole = r.choice([*scope.of(of), "TABLE"])
                made = [
                    "[$u64, $u64, $u64, $u64]",
                    "[$u64] * 4",
                    "[$u64 + q for q in range(4)]",
                    f"[q + 1 for q in {whole}]",
                    f"{whole}.copy()",
                    f"{whole}[:]",
                ]
                return self.called(of, scope, 2) or self.fill(r.choice(made), "u64", scope, 2)
            case "list[list[u64, 4], 2]":
                rows = [self.given("list[u64, 4]", scope) for _ in range(2)]
                made = [f"[{rows[0]}, {rows[1]}]", "[[q + $u64] * 4 for q in range(2)]"]
                if scope.of(of):
                    made.append(f"[row.copy() for row in {r.choice(scope.of(of))}]")
                return self.fill(r.choice(made), "u64", scope, 1)
            case "Pair":
                return self.called(of, scope, 2) or self.fill("Pair($u64, $i64)", of, scope, 2)
            case "tuple[u64, bool]":
                return self.fill("($u64, $bool)", of, scope, 2)
            case _:
                return self.expr(of, scope, 3)

    def expr(self, of: str, scope: Scope, depth: int) -> str:
        """An expression of a word type."""
        if depth == 0 or self.r.random() < 0.2:
            return self.leaf(of, scope)
        if of == "bool":
            return self.truth(scope, depth)
        return self.number(of, scope, depth)

    def leaf(self, of: str, scope: Scope) -> str:
        names = scope.of(of)
        if names and self.r.random() < 0.7:
            return self.r.choice(names)
        if of == "bool":
            return self.r.choice(["True", "False"])
        if of == "u64" and self.r.random() < 0.3:
            arrays = [*scope.of("list[u64, 4]"), "TABLE"]
            arrays += [f"{name}[{self.r.randrange(2)}]" for name in scope.of(GRID)]
            return f"{self.r.choice(arrays)}[{self.index(scope)}]"
        pairs = [*scope.of("Pair"), *scope.of("own")]
        if of in ("u64", "i64") and pairs:
            return f"{self.r.choice(pairs)}.{'x' if of == 'u64' else 'y'}"
        return f"{of}({self.r.choice([0, 1, 2, 3, 7, 100, 255])})"

    def number(self, of: str, scope: Scope, depth: int) -> str:
        forms = [
            "($self + $self)",
            "($self - $self)",
            "($self * $self)",
            "($self if $bool else $self)",
        ]
        if of == "felt":
            forms += ["-$self", "($self / $self)", "($self) ** 5", "felt($u64)", "felt($bool)"]
        else:
            forms += INTEGER_FORMS
        if of.startswith("i"):
            forms.append("-$self")
        return self.called(of, scope, depth) or self.fill(self.r.choice(forms), of, scope, depth)

    def truth(self, scope: Scope, depth: int) -> str:
        of = self.r.choice([word for word in self.words if word != "felt"])
        form = self.r.choice(TRUTH_FORMS)
        return self.called("bool", scope, depth) or self.fill(form, of, scope, depth)

    def fill(self, form: str, of: str, scope: Scope, depth: int) -> str:
        """Put expressions in the place of ``$type``, and numbers below n in the place of ``%n``."""
        other = self.r.choice([word for word in self.words if word not in (of, "felt")])
        names = {"self": of, "other": other}

        def put(match: re.Match[str]) -> str:
            if match[1] == "type":
                return of
            return self.expr(names.get(match[1], match[1]), scope, depth - 1)

        form = re.sub(r"%(\d)", lambda match: str(self.r.randrange(int(match[1]))), form)
        return re.sub(r"\$(\w+)", put, form)

    def called(self, of: str, scope: Scope, depth: int) -> str:
        """A call of a function that gives a type, sometimes; empty otherwise."""
        fitting = [function for function in self.functions if function[2] == of]
        if not fitting or self.r.random() < 0.6:
            return ""
        name, params, _ = self.r.choice(fitting)
        args = []
        for param in params:
            if param == "list[u64, N]":
                arrays = [*scope.of("list[u64, 4]"), *scope.of("generic")]
                fresh = f"[{self.expr('u64', scope, 0)}] * {self.r.randrange(1, 4)}"
                args.append(self.r.choice([*arrays, fresh]))
            elif param == "list[u64, 4]":
                rows = [f"{name}[{self.r.randrange(-2, 2)}]" for name in scope.of(GRID)]
                fresh = "[u64(1), u64(2), u64(3), u64(4)]"
                args.append(self.r.choice([*scope.of(param), *rows, fresh]))
            elif param == GRID:
                fresh = "[[u64(1)] * 4, [u64(2)] * 4]"
                args.append(self.r.choice([*scope.of(param), fresh]))
            elif param == "Pair":
                args.append(self.r.choice([*scope.of("Pair"), "Pair(u64(1), i64(2))"]))
            else:
                args.append(self.expr(param, scope, depth - 1))
        return f"{name}({', '.join(args)})"

    def index(self, scope: Scope) -> str:
        names = [f"{name} & 7" for name in scope.of("u64")]
        names += [f"{name} % 5" for name in scope.of("i64")] + ["i64(0) - 1"]
        return self.r.choice(names) if self.r.random() < 0.3 else str(self.r.randrange(-4, 4))

    def argument(self, of: str) -> Any:
        edges = [0, 1, 2, 3, 5, 200, 255]
        match of:
            case "bool":
                return self.r.random() < 0.5
            case "list[u64, 4]":
                return [self.r.choice(edges) for _ in range(4)]
            case "i64":
                return self.r.choice([*edges, -1, -7, -(2**63)])
            case "u64":
                return self.r.choice([*edges, 2**64 - 1])
            case _:
                return self.r.choice(edges)

    def fresh(self, hint: str) -> str:
        self.count += 1
        return f"{hint}_{self.count}"  # never a word of the language, as i64 would be

    def put(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line)
