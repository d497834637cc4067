"""Run every script in `bench/` and write its table into docs/benchmarks.md.

    python tools/benchmarks.py                 all of them, as `make bench` does
    python tools/benchmarks.py native groth16  some of them
    python tools/benchmarks.py --quick         smaller inputs; prints and leaves the page alone

A table stands between two marks, `<!-- table: NAME -->` and `<!-- end: NAME -->`; a script whose
marks are missing gets them at the end of the page. What stands outside the marks is left as it is.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
LIMIT_S = 1800
"""Seconds that one script may take."""

ALONE = {"quic": ("tools/alone.py", sys.executable)}
"""Words before a script that is run on a network of its own."""

HEADER = ("what", "ours", "rival", "unit", "ratio", "promised")


def scripts() -> dict[str, Path]:
    """Find the scripts by name; what they share is not one of them."""
    found = sorted((ROOT / "bench").glob("*.py"))
    return {path.stem: path for path in found if "\n    main(__doc__" in path.read_text()}


def rows_of(script: Path, *, quick: bool) -> list[dict[str, object]]:
    """Run a script and read its rows.

    Raises:
        SystemExit: It failed, or took more than `LIMIT_S`.
    """
    before = (sys.executable, *ALONE.get(script.stem, ()))
    command = [*before, str(script), "--json", *(["--quick"] if quick else [])]
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, timeout=LIMIT_S, check=True
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise SystemExit(f"{script.name}: {error}") from None
    rows = json.loads(done.stdout)
    assert isinstance(rows, list)
    return rows


def table(name: str, rows: Sequence[Mapping[str, object]]) -> str:
    """Give rows as a Markdown table, with the command that makes it and the machine."""
    before = "tools/alone.py python " if name in ALONE else ""
    lines = [
        f"`python {before}bench/{name}.py` on {machine()}:",
        "",
        f"| {' | '.join(HEADER)} |",
        "|---|--:|--:|---|--:|---|",
        *(f"| {' | '.join(_cells(row))} |" for row in rows),
    ]
    return "\n".join(lines)


def _cells(row: Mapping[str, object]) -> tuple[str, ...]:
    ratio, target = float(str(row["ratio"])), row.get("target")
    ours, rival = (f"{float(str(row[key])):.4g}" for key in ("ours", "rival"))
    promise = ""
    if target is not None:
        met = "met" if ratio <= float(str(target)) else "**missed**"
        promise = f"≤ {float(str(target)):g}, {met}"
    return (str(row["name"]), ours, rival, str(row["unit"]), f"{ratio:.3g}", promise)


def machine() -> str:
    """Describe the machine in a few words: processor, cores, Python."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        named = re.search(r"^model name\s*: (.+)$", information.read_text(), re.MULTILINE)
        model = named[1] if named else model
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    )


def put(page: str, name: str, content: str) -> str:
    """Place a table between its marks."""
    first, last = f"<!-- table: {name} -->", f"<!-- end: {name} -->"
    if first not in page:
        page = f"{page.rstrip()}\n\n{first}\n{last}\n"
    before, _, rest = page.partition(first)
    _, _, after = rest.partition(last)
    return f"{before}{first}\n\n{content}\n\n{last}{after}"


def main(arguments: Sequence[str]) -> int:
    """Run the scripts named, or all, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(scripts())}")
    parser.add_argument("--quick", action="store_true", help="print, and leave the page alone")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(scripts()):
        parser.error(f"no such script: {', '.join(sorted(unknown))}")
    for name, script in scripts().items():
        if options.names and name not in options.names:
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        content = table(name, rows_of(script, quick=options.quick))
        if options.quick:
            print(f"{content}\n")
        else:
            PAGE.write_text(put(PAGE.read_text(), name, content))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
