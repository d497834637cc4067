"""`numen evm t8n`."""

import json
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from numen.evm import alloc, engines, readers, t8nfiles
from numen.evm.forks import fork
from numen.evm.readers import MalformedFileError
from numen.evm.state import State
from numen.evm.t8n import transition


class _Options(msgspec.Struct):
    """What `t8n` was asked to do."""

    alloc_from: str
    env_from: str
    txs_from: str
    alloc_to: str
    result_to: str
    body_to: str
    folder: Path
    fork_name: str
    chain_id: int
    reward: int
    engine: str


@click.command()
@click.option("--input.alloc", "alloc_from", default="alloc.json", show_default=True)
@click.option("--input.env", "env_from", default="env.json", show_default=True)
@click.option("--input.txs", "txs_from", default="txs.json", show_default=True)
@click.option("--output.alloc", "alloc_to", default="alloc.json", show_default=True)
@click.option("--output.result", "result_to", default="result.json", show_default=True)
@click.option("--output.body", "body_to", default="", help="Transactions as RLP in hexadecimal.")
@click.option("--output.basedir", "folder", type=click.Path(path_type=Path), default=Path())
@click.option("--state.fork", "fork_name", default="prague", show_default=True)
@click.option("--state.chainid", "chain_id", type=click.IntRange(0, 2**64 - 1), default=1)
@click.option("--state.reward", "reward", type=int, default=0, help="Wei; -1 for none at all.")
@click.option("--engine", type=click.Choice(list(engines.ENGINES)), default="interpreter")
def t8n(**given: Any) -> None:
    """Make a block of a state and transactions, as other people's test tools ask for it.

    Inputs are files of JSON, or `stdin` for the fields alloc, env and txs of one object there.
    Transactions may be RLP in hexadecimal. Outputs are files below --output.basedir, or `stdout`,
    or `stderr`, or empty for nowhere.
    """
    options = _Options(**given)
    before, env, txs = _read(options)
    state = State(alloc.accounts(before, "alloc"))
    to_do = t8nfiles.read(
        fork(options.fork_name), env, txs, chain_id=options.chain_id, reward=options.reward
    )
    made = transition(state, to_do, options.engine)
    outputs = {
        "alloc": (options.alloc_to, alloc.to_json(state.accounts)),
        "result": (options.result_to, t8nfiles.result(to_do, made)),
        "body": (options.body_to, readers.hexadecimal(made.body())),
    }
    _write(outputs, options.folder)


def _read(options: _Options) -> tuple[alloc.Alloc, t8nfiles.Env, t8nfiles.Txs]:
    """Read the three pieces of the input."""
    sources = options.alloc_from, options.env_from, options.txs_from
    together = t8nfiles.Together()
    if "stdin" in sources:
        raw = sys.stdin.buffer.read(readers.FILE_BYTES_MAX + 1)
        together = readers.parse(raw, t8nfiles.Together, "stdin")
    return (
        _piece(sources[0], together.alloc, "alloc", alloc.Alloc),
        _piece(sources[1], together.env, "env", t8nfiles.Env),
        _piece(sources[2], together.txs_rlp or together.txs, "txs", t8nfiles.Txs),
    )


def _piece(source: str, from_stdin: Any, name: str, kind: Any) -> Any:
    """Read one piece of the input from its file, or take what stdin had."""
    if source != "stdin":
        return readers.load(Path(source), kind)
    if from_stdin is None:
        raise MalformedFileError("stdin", f"{name} is missing")
    return from_stdin


def _write(outputs: dict[str, tuple[str, Any]], folder: Path) -> None:
    """Write each output where it is to go; what goes to one stream is one object there."""
    streams: dict[str, dict[str, Any]] = {"stdout": {}, "stderr": {}}
    for name, (target, value) in outputs.items():
        if target in streams:
            streams[target][name] = value
        elif target:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / target).write_text(json.dumps(value, indent=1) + "\n")
    for stream, values in streams.items():
        if values:
            click.echo(json.dumps(values, indent=1), err=stream == "stderr")
