"""`numen doctor`: what of this machine can be used, and what to do about the rest."""

import asyncio
import platform
from typing import Any

import click

from numen.cli.output import EXIT_FALSE, print_json
from numen.ir.parse import parse_module
from numen.ir.program import program_from_module
from numen.kernels.errors import CompileError
from numen.net.channel import Bounds, everybody
from numen.net.errors import NetError
from numen.net.identity import NodeKey
from numen.net.tls import TlsTransport
from numen.sandbox.errors import SandboxError
from numen.sandbox.probe import Check, Isolation, probe
from numen.sandbox.runner import Sandbox
from numen.vm import machine

_PROGRAM = (
    "program main() -> u64\n\nfunc main -> (u64)\nb0():\n    r0 = const.u64 7\n    return r0\n"
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(*, as_json: bool) -> int:
    """Try what work between strangers needs of this machine.

    That is jails, filters, limits, native code and TLS. Exit code 1: something does not work,
    and it says what to do.
    """
    isolation = probe()
    checks = {
        "namespaces": isolation.namespaces,
        "filter": isolation.filter,
        "limits": isolation.limits,
        "sandbox": _sandbox(isolation),
        "native": _native(),
        "tls": _tls(),
    }
    if as_json:
        print_json(
            {"machine": f"{platform.system()} {platform.machine()}"}
            | {name: _report(check) for name, check in checks.items()}
        )
    else:
        for name, check in checks.items():
            _show(name, check)
    return 0 if all(check.is_there for check in checks.values()) else EXIT_FALSE


def _sandbox(isolation: Isolation) -> Check:
    """Whether a job runs, from one end to the other."""
    program = program_from_module(parse_module(_PROGRAM))
    try:
        with Sandbox(isolation) as sandbox:
            result = sandbox.run(program, [])
    except SandboxError as error:
        return Check(is_there=False, says=error.message, advice=error.hint)
    if isolation.is_full:
        return Check(is_there=True, says=f"strangers' programs run confined, by {result.engine}")
    return Check(
        is_there=False,
        says="native code of strangers is refused: it could not be confined; they are interpreted",
        advice="see above; who insists on native code takes the risk",
    )


def _native() -> Check:
    program = program_from_module(parse_module(_PROGRAM))
    try:
        machine.run(program, [], engine="jit")
    except CompileError as error:
        return Check(
            is_there=False, says=f"no native code: {error.reason}", advice="reinstall llvmlite"
        )
    return Check(is_there=True, says="LLVM makes native code")


def _tls() -> Check:
    try:
        asyncio.run(_handshake())
    except (NetError, OSError) as error:
        return Check(
            is_there=False,
            says=f"nodes cannot be joined: {error}",
            advice="Python needs OpenSSL 1.1.1 or later, with TLS 1.3 and Ed25519",
        )
    return Check(is_there=True, says="nodes can be joined, by TLS 1.3 with Ed25519 keys")


async def _handshake() -> None:
    """Join two nodes that exist for this moment."""
    one, other = NodeKey.generate(), NodeKey.generate()
    listener = await TlsTransport(other, Bounds()).listen("127.0.0.1:0", everybody)
    try:
        channel = await TlsTransport(one, Bounds()).dial(listener.address, other.id)
        await channel.close()
    finally:
        await listener.close()


def _report(check: Check) -> dict[str, Any]:
    found: dict[str, Any] = {"works": check.is_there, "says": check.says}
    return found | ({"advice": check.advice} if check.advice else {})


def _show(name: str, check: Check) -> None:
    mark = click.style("works", fg="green") if check.is_there else click.style("lacks", fg="red")
    click.echo(f"{mark}  {name.ljust(10)}  {check.says}")
    if check.advice:
        click.echo(f"{' ' * 19}to do: {check.advice}")
