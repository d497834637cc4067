"""`numen fleet`: machines of one operator that share the work of its workers and provers."""

import os
import time
from collections.abc import Callable
from typing import Any, Final

import click
import msgspec

from numen.cli.output import print_json
from numen.cli.programs import as_json_option
from numen.cli.serving import run_until_told

URL: Final = "nats://127.0.0.1:4222"
"""Where a NATS server listens, unless it is told otherwise."""


@click.group()
def fleet() -> None:
    """Share work between the machines of one operator."""


@fleet.command()
@click.option("--nats", "servers", multiple=True, default=(URL,), show_default=True, metavar="URL")
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=os.cpu_count() or 1, show_default="processors",
    help="Jobs that are done side by side.",
)  # fmt: skip
@click.option("--insist", is_flag=True, help="Run native code even where it cannot be confined.")
@as_json_option
def node(servers: tuple[str, ...], jobs: int, insist: bool, as_json: bool) -> None:
    """Do jobs of the fleet until interrupted.

    `nats-server -js` has the queue. Workers with --fleet hand in the programs that they run, and
    `numen prove --fleet` the segments of a proof. A machine that falls silent loses its jobs to
    another; who can speak to the server can read them and hand some in, so it is one operator's.
    It says when each job begins and how it ends; with --json, in an object on a line.
    """
    from numen.node.fleet import notes  # noqa: PLC0415 - the client is an extra
    from numen.node.fleet.machine import Machine  # noqa: PLC0415 - the client is an extra
    from numen.node.fleet.queue import Queue  # noqa: PLC0415 - the client is an extra
    from numen.sandbox.runner import Sandbox  # noqa: PLC0415 - start-up counts

    with Sandbox(insists=insist, jobs_max=jobs) as sandbox:
        if sandbox.isolation.lacks:
            click.echo(f"the sandbox lacks {sandbox.isolation.lacks}: see `numen doctor`", err=True)

        def tell(note: notes.Note) -> None:
            if as_json:
                print_json(msgspec.to_builtins(note))
            else:
                click.echo(f"{time.strftime('%H:%M:%S')}  {notes.sentence(note)}")

        async def work() -> None:
            queue = await Queue.connect(servers)
            if as_json:
                print_json({"fleet": list(servers), "jobs": jobs})
            else:
                click.echo(f"up to {jobs} jobs at a time; end it with Ctrl-C")
            try:
                await Machine(queue, sandbox, jobs, tell).run()
            finally:
                await queue.close()

        run_until_told(work())


def fleet_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option ``--fleet``."""
    return click.option(
        "--fleet", "fleet_servers", multiple=True, metavar="URL",
        help="Have the work done by a fleet of machines: their NATS servers.",
    )(command)  # fmt: skip
