"""The command `numen` and how its errors reach a person."""

import os
import sys
from importlib import import_module
from typing import Any

import click

from numen.base.errors import NumenError
from numen.cli.output import fail, printed

COMMANDS = {
    "run": "numen.cli.programs:run",
    "compile": "numen.cli.programs:compile_",
    "inspect": "numen.cli.programs:inspect",
    "dump": "numen.cli.programs:dump",
    "setup": "numen.cli.proofs:setup",
    "prove": "numen.cli.proofs:prove",
    "verify": "numen.cli.proofs:verify",
    "quote": "numen.cli.quotes:quote",
    "ceremony": "numen.cli.ceremony:ceremony",
    "export": "numen.cli.export:export",
    "demo": "numen.cli.market:demo",
    "why": "numen.cli.market:why_",
    "dashboard": "numen.cli.dashboard:dashboard",
    "top": "numen.cli.top:top",
    "doctor": "numen.cli.doctor:doctor",
    "market": "numen.cli.settled:market",
    "verifier": "numen.cli.bazaar:verifier",
    "worker": "numen.cli.bazaar:worker",
    "submit": "numen.cli.bazaar:submit",
    "fleet": "numen.cli.fleet:fleet",
    "evm": "numen.cli.evm:evm",
    "key": "numen.cli.keys:key",
    "node": "numen.cli.node:node",
    "trust": "numen.cli.trust:trust",
    "ledger": "numen.cli.ledger:ledger",
    "sim": "numen.cli.sim:sim",
    "cluster": "numen.cli.cluster:cluster",
    "deploy": "numen.cli.contracts:deploy",
    "send": "numen.cli.contracts:send",
    "call": "numen.cli.contracts:call",
    "explain": "numen.cli.contracts:explain",
}
"""Each command, in the order of the help, and where it is: loaded when it is used."""


WIDTH_MAX = 110
"""Columns of the help, where the terminal has as many."""


class Commands(click.Group):
    """A group whose commands are imported only when asked for: start-up counts."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(module), attribute)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return super().resolve_command(ctx, args)


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH_MAX},
)
@click.version_option(package_name="numen", prog_name="numen")
def numen() -> None:
    """Write a computation once. Run it at native speed, prove it, sell it, let anyone check it.

    A program is a file of Python-syntax functions; `main` is where it begins.

    \b
        def main(a, b):
            return a + b

    \b
    numen run add.py 2 3              run it
    numen inspect add.py              what it costs, line by line
    numen setup add.py -o keys        keys for proofs
    numen prove add.py 2 3 --keys keys -o out
    numen verify keys/verification_key.json out/proof.json out/public.json
    numen demo                        sell three jobs on a market with liars
    numen key new hall                an identity, to act with on a market
    numen market open DIR --key hall  a market; others join by verifier, worker and submit
    numen why ID                      why anything went as it did
    numen node                        a ledger for contracts that send messages
    numen node --dev                  an Ethereum chain for development

    Exit codes: 0 fine, 1 the program trapped or the proof is false, 2 bad input.
    """  # noqa: D301 - click leaves the paragraphs that begin with this mark as they are


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run_command(args))


def run_command(args: list[str] | None = None) -> int:
    """Run the command line and return its exit code; errors are printed, never raised."""
    words: list[str] = sys.argv[1:] if args is None else args
    try:
        return _run(words, as_json="--json" in words)
    except BrokenPipeError:  # of what is printed, errors too
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(words: list[str], *, as_json: bool) -> int:
    try:
        code: Any = numen.main(args=words, prog_name="numen", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "")
        return 2
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        usage = f"{context.get_usage()}\n" if context else ""
        return fail(error.format_message(), as_json=as_json, before=usage)
    except click.Abort:
        return fail("interrupted", as_json=as_json)
    except NumenError as error:
        return printed(error, as_json=as_json)
    except BrokenPipeError:
        raise
    except OSError as error:
        return fail(f"{error.filename or 'input/output'}: {error.strerror}", as_json=as_json)
    except MemoryError:
        return fail("out of memory", as_json=as_json)
