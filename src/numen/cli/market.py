"""`numen demo` and `numen why`."""

import os
from collections import deque
from pathlib import Path

import click
import msgspec
from msgspec import structs

from numen.cli import stories
from numen.cli.keys import known, own_store
from numen.cli.output import print_json
from numen.cli.programs import a_sandbox, as_json_option
from numen.market import log, why
from numen.proof.files import read_file, write_file


def log_path() -> Path:
    """Where the log of the last demo is: in ``$NUMEN_HOME``, or in the user's state folder."""
    home = os.environ.get("NUMEN_HOME")
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return (Path(home) if home else Path(state) / "numen") / "demo.jsonl"


@click.command()
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True)
@click.option("--sandbox", "in_sandbox", is_flag=True, help="Run what is sold confined.")
@as_json_option
def demo(seed: int, in_sandbox: bool, as_json: bool) -> None:
    """Sell three jobs on a market of five workers, of whom some lie.

    The article's a + b with a proof; 200 handwritten digits; a protein that folds. Everything
    follows from the seed, bit for bit. `numen why` explains the run afterwards.
    """
    from rich.console import Console  # noqa: PLC0415 - start-up counts

    from numen.demo import report, show, town  # noqa: PLC0415 - start-up counts

    console = Console()
    if not as_json:
        console.print("Compiling three programs and setting up keys for two circuits …")
    with a_sandbox(wanted=in_sandbox) as sandbox:
        built = town.build(seed, sandbox)
        if as_json:
            deque(built.play.run(), maxlen=0)
        else:
            show.watch(console, built, built.play.run())
    found, path = report.report(built), log_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, report.log_of(built))
    if as_json:
        print_json({**msgspec.to_builtins(found), "log": str(path)})
        return
    show.summarise(console, found)
    example = found.caught[0].name if found.caught else found.jobs[0].tasks[0][:12]
    console.print(
        f"Keys of these circuits are from a single-party setup: for a demonstration only.\n"
        f"The log is in {path}; ask it:  numen why {example}",
        highlight=False,
        soft_wrap=True,
    )


@click.command("why")
@click.argument("identity", metavar="ID")
@click.option(
    "--log", "path", type=click.Path(dir_okay=False, path_type=Path),
    help="A log of a market; that of the last demo where left out.",
)  # fmt: skip
@click.option("--rpc", metavar="URL", help="A node with a ledger, in place of a market.")
@click.option(
    "--data", "folder", type=click.Path(file_okay=False, path_type=Path),
    help="The folder of a ledger, in place of a market.",
)  # fmt: skip
@as_json_option
def why_(
    identity: str, path: Path | None, rpc: str | None, folder: Path | None, as_json: bool
) -> None:
    """Explain why anything went as it did.

    Anything is a task, a person, a ticket, a receipt or a refused message of a market. With
    --rpc or --data, explain a message of a ledger: how it came to it, what became of it, and
    what to do about it.

    ID is a name, or an id in hexadecimal or its beginning. Names are those of the log, or of one's
    own keys.
    """
    if rpc is not None or folder is not None:
        sentences = stories.why(identity, rpc or "", folder)
    else:
        sentences = _of_market(identity, path)
    if as_json:
        print_json({"id": identity, "why": sentences})
        return
    for sentence in sentences:
        click.echo(sentence)


def _of_market(identity: str, path: Path | None) -> list[str]:
    source = path or log_path()
    if path is None and not source.exists():
        raise why.WhyError(
            "there is no log yet",
            hint="run `numen demo` first, or give --log; --rpc asks a node with a ledger",
        )
    return why.explain(read_log(source), identity)


def read_log(path: Path) -> log.Log:
    """A market's log. Where it names nobody, people are called as their keys in one's folder are.

    Raises:
        NumenError: It is no log.
    """
    found = log.parse(read_file(path, size_max=log.SIZE_MAX_BYTES), str(path))
    names = found.header.names or known(own_store())
    return structs.replace(found, header=structs.replace(found.header, names=names))
