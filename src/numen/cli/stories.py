"""What happened on a ledger, told by a node that runs or from what it keeps."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from numen.base.errors import NumenError
from numen.cli.output import print_json
from numen.node import asking

DEPTH_MAX: Final = 40
"""Deepest tree that is drawn; the lines of a deeper one are indented."""


class NoLedgerError(NumenError):
    """A folder has no ledger in it."""


def tree(identity: str, rpc: str, folder: Path | None) -> dict[str, Any]:
    """What followed from a transaction or message, as `numen_getMessageTree` gives it.

    Raises:
        NumenError: The node does not answer, the folder has no ledger, or nothing has the id.
    """
    asked = asking.ask(rpc, "numen_getMessageTree", identity) if folder is None else None
    found: dict[str, Any] = asked or _kept(folder).tree(identity)
    return found


def why(identity: str, rpc: str, folder: Path | None) -> list[str]:
    """How it came to a message, and what to do about it.

    Raises:
        NumenError: As `tree`.
    """
    asked = asking.ask(rpc, "numen_why", identity) if folder is None else None
    found: list[str] = asked or _kept(folder).why(identity)
    return found


def _kept(folder: Path | None) -> Any:
    if folder is None or not (folder / "state" / "data.mdb").is_file():
        raise NoLedgerError(
            f"{folder} has no ledger in it", hint="it is what `numen node --data` was given"
        )
    # A command that asks a node does not load a ledger.
    return import_module("numen.node.ledger.folder").look(folder)


def show(found: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a tree."""
    if as_json:
        print_json(found)
        return
    branches: Sequence[Mapping[str, Any]] = found["branches"]
    if not branches:
        click.echo("nothing was handed over yet")
    elif max(branch["depth"] for branch in branches) > DEPTH_MAX:
        for branch in branches:
            click.echo(f"{'  ' * branch['depth']}{branch['said']}")
    else:
        _draw(branches)
    if not found["isWhole"]:
        click.echo("… and more")


def _draw(branches: Sequence[Mapping[str, Any]]) -> None:
    rich = import_module("rich.tree")
    console = import_module("rich.console").Console(highlight=False)
    if not console.is_terminal:  # lines that are read by programs are not cut
        console.width = max(len(each["said"]) + 4 * each["depth"] for each in branches)
    text = import_module("rich.text").Text
    path: list[Any] = []
    roots: list[Any] = []
    for branch in branches:
        state = branch["message"]["state"]
        label = text(branch["said"], style="red" if state == "failed" else "")
        del path[branch["depth"] :]
        if path:
            path.append(path[-1].add(label))
        else:
            path.append(rich.Tree(label))
            roots.append(path[0])
    for root in roots:
        console.print(root)
