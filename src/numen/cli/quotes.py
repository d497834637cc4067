"""`numen quote`: measure code, have hardware quote a run of it, and verify quotes."""

import re
from pathlib import Path
from typing import Any, Final, get_args

import click

from numen.api import quotes
from numen.cli.arguments import parse_argument
from numen.cli.demands import Demands, read_boot, read_time, takes_hex
from numen.cli.output import print_json, show_value
from numen.cli.programs import PASS_ALL, as_json_option, load_alone, program_argument
from numen.cli.targets import Target, takes_program
from numen.proof.files import read_file, write_file
from numen.proof.quote import (
    DOCUMENT_MAX_BYTES,
    ENDORSEMENT_MAX_BYTES,
    OtherQuoteError,
    Platform,
    Quote,
    Quoted,
    Tcb,
    Trust,
    accept,
)
from numen.proof.tee.certificates import show_time
from numen.proof.tee.pem import certificates
from numen.proof.tee.platforms import MAKERS, examine
from numen.proof.tee.tpm import name_of
from numen.vm.tpm import Tpm

_FLOOR: Final = re.compile(r"\d{1,3}(,\d{1,3}){3}")


register_option = click.option(
    "--register", type=click.IntRange(8, 15), default=quotes.REGISTER_DEFAULT, show_default=True,
    help="The TPM's register that holds the measurement.",
)  # fmt: skip


@click.group()
def quote() -> None:
    """Measure code, and verify what trusted hardware says of it."""


@quote.command()
@click.argument("words", nargs=1, required=False, metavar="FILE[:FUNC]")
@takes_program
@as_json_option
def measure(words: str | None, target: Target, as_json: bool) -> None:
    """Compile a program ahead of time and print its measurement.

    Whoever compiles it with the same engine for the same target gets the same measurement.
    """
    ready = quotes.prepare(load_alone(target, words))
    manifest = ready.manifest
    facts = {
        "measurement": manifest.measurement.hex(),
        "program": manifest.program.hex(),
        "object": manifest.object.hex(),
        "size_bytes": len(ready.ahead),
        "engine": manifest.engine,
    }
    if as_json:
        print_json({**facts, "target": manifest.target})
        return
    for name, value in facts.items():
        click.echo(f"{name:<12} {value}")


@quote.command("run", context_settings=PASS_ALL)
@program_argument
@takes_program
@click.option("--tpm", "tcti", metavar="TCTI", default="device:/dev/tpmrm0", show_default=True,
              help="How tpm2-tools reach the TPM.")  # fmt: skip
@click.option(
    "--nonce",
    metavar="HEX",
    callback=takes_hex(32),
    required=True,
    help="What the reader chose, 32 bytes.",
)
@register_option
@click.option("--boot", multiple=True, type=click.IntRange(0, 9), metavar="N",
              help="Quote this register of firmware or boot loader as well.")  # fmt: skip
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="File to write.")  # fmt: skip
@as_json_option
def run_(
    words: tuple[str, ...], target: Target, tcti: str, nonce: bytes, register: int, out: Path,
    *, boot: tuple[int, ...], as_json: bool,
) -> None:  # fmt: skip
    """Measure a program into this machine's TPM, run it, and have the run quoted.

    The register can be extended once for each start of the machine, so it speaks of one program.
    """
    program, args = target.load(words)
    values = [parse_argument(arg) for arg in args]
    with Tpm(tcti) as tpm:
        value, found = quotes.run_on_tpm(
            program, values, tpm=tpm, nonce=nonce, register=register, boot=boot
        )
        key = name_of(tpm.public)
    write_file(out, quotes.write_run(found))
    measurement = found.manifest.measurement.hex()
    if as_json:
        print_json(
            {"outputs": value, "file": str(out), "measurement": measurement, "key": key.hex()}
        )
        return
    click.echo(show_value(value))
    click.echo(f"measurement {measurement}\nkey         {key.hex()}\nquoted in   {out}")


@quote.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--platform", type=click.Choice(get_args(Platform)),
              help="Whose document it is; a file of `numen quote run` says so itself.")  # fmt: skip
@click.option("--at", metavar="TIME", callback=read_time, default="now", show_default=True,
              help="The time at which certificates have to be valid.")  # fmt: skip
@click.option("--with", "beside", multiple=True, type=click.Path(dir_okay=False, path_type=Path),
              help="What goes with the document: certificates from the chip's to the root's and a "
                   "revocation list (snp), or the collateral (sgx, tdx).")  # fmt: skip
@click.option("--root", "roots", multiple=True, metavar="HEX", callback=takes_hex(32, 34),
              help="Trust this: SHA-256 of a certificate, or the name of a TPM's key. The maker's, "
                   "where nothing is said.")  # fmt: skip
@click.option("--tcb-min", type=click.Choice([t.name.lower() for t in Tcb if t]), default="unrated",
              show_default=True, help="The worst state of firmware to accept.")  # fmt: skip
@click.option("--floor", metavar="N,N,N,N", help="Least versions of AMD's firmware: boot loader, "
              "TEE, SNP, microcode.")  # fmt: skip
@click.option("--launch", "launches", multiple=True, metavar="HEX", callback=takes_hex(32),
              help="Refuse whatever is launched but this.")  # fmt: skip
@click.option(
    "--report", metavar="HEX", callback=takes_hex(), help="Refuse whatever is reported but this."
)
@click.option(
    "--measurement",
    metavar="HEX",
    callback=takes_hex(32),
    help="Of the code that was asked for (quoted runs).",
)
@click.option(
    "--nonce", metavar="HEX", callback=takes_hex(32), help="What the reader chose (quoted runs)."
)
@register_option
@click.option("--boot", multiple=True, metavar="N=HEX", callback=read_boot,
              help="What a register of the boot chain must hold (quoted runs).")  # fmt: skip
@as_json_option
def verify(
    file: Path, platform: Platform | None, *, at: int, beside: tuple[Path, ...], as_json: bool,
    **demands: Any,
) -> None:  # fmt: skip
    """Verify a quote, without asking anybody, at any time.

    FILE is a document as hardware gives it: an SGX or TDX quote, an SEV-SNP report, a Nitro
    document, each in its maker's bytes; or what `numen quote run` wrote.

    Exit codes: 0 it is genuine and says what was demanded, 1 it is not, 2 bad input.
    """
    wanted = Demands(**demands)
    data = read_file(file, size_max=quotes.RUN_MAX_BYTES)
    found = quotes.read_run(data) if data.startswith(quotes.MAGIC) else None
    document = _document(platform, data, beside) if found is None else found.quote
    trust = _trust(document.platform, wanted)
    quoted = examine(document, trust, at)
    accept(quoted, trust)
    if found is not None:
        _check_run(found, trust, at, wanted)
    elif wanted.launches and quoted.launch.identity not in wanted.launches:
        raise OtherQuoteError("launch")
    if wanted.report is not None and quoted.report.rstrip(b"\0") != wanted.report.rstrip(b"\0"):
        raise OtherQuoteError("report")
    _show(quoted, found, at, as_json=as_json)


def _document(platform: Platform | None, data: bytes, beside: tuple[Path, ...]) -> Quote:
    if platform is None:
        raise click.UsageError("--platform: whose document is it?")
    if len(data) > DOCUMENT_MAX_BYTES:
        raise click.UsageError(f"a document of more than {DOCUMENT_MAX_BYTES} bytes")
    read = [read_file(path, size_max=ENDORSEMENT_MAX_BYTES) for path in beside]
    if platform == "snp":
        read = [one for raw in read for one in certificates(raw)]
    return Quote(platform, data, tuple(read))


def _trust(platform: Platform, wanted: Demands) -> Trust:
    maker = MAKERS.get(platform)
    trusted = frozenset(wanted.roots) or (maker.roots if maker else frozenset())
    if not trusted:
        raise click.UsageError("--root: which TPM's key do you trust? `numen quote run` prints it")
    if wanted.floor is None:
        return Trust(trusted, wanted.tcb)
    if not _FLOOR.fullmatch(wanted.floor):
        raise click.UsageError("--floor: four numbers with commas between, like 3,0,8,115")
    return Trust(trusted, wanted.tcb, tuple(map(int, wanted.floor.split(","))))


def _check_run(found: quotes.QuotedRun, trust: Trust, at: int, wanted: Demands) -> None:
    if wanted.measurement is None or wanted.nonce is None:
        raise click.UsageError(
            "a quoted run needs --measurement (from `numen quote measure`) and --nonce: without "
            "them it may be of other code, or an old one"
        )
    launches = frozenset(wanted.launches)
    if found.quote.platform == "tpm":
        launches |= {
            quotes.launch_on_tpm(wanted.measurement, wanted.register, dict(wanted.boot)).identity
        }
    quotes.check_run(
        found,
        trust=trust,
        at=at,
        nonce=wanted.nonce,
        measurement=wanted.measurement,
        launches=launches,
    )


def _show(quoted: Quoted, found: quotes.QuotedRun | None, at: int, *, as_json: bool) -> None:
    facts = {
        "platform": quoted.launch.platform,
        "at": show_time(at),
        "root": quoted.root.hex(),
        "firmware": quoted.tcb.name.lower(),
        "advisories": list(quoted.advisories),
        "launch": quoted.launch.identity.hex(),
        "report": quoted.report.hex(),
    }
    registers = {register.name: register.value.hex() for register in quoted.launch.registers}
    run = {}
    if found is not None:
        run = {
            "program": found.claim.program.hex(),
            "measurement": found.manifest.measurement.hex(),
            "inputs": found.inputs.hex(),
            "output": found.output.hex(),
            "work": found.claim.work,
        }
    if as_json:
        print_json({"valid": True, **facts, "registers": registers, **run})
        return
    click.echo("valid")
    for name, value in (*facts.items(), *registers.items(), *run.items()):
        shown = ", ".join(value) if isinstance(value, list) else value
        click.echo(f"{name:<14} {shown or '-'}")
