"""A TPM that we did not write, swtpm, from measurement to verified quote.

The code of a program is measured into a register, runs, and the TPM quotes the register with the
binding; our own verifier judges the quote, and tpm2-tools' own judges it too. The tests say so
where swtpm or tpm2-tools are absent.
"""

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import msgspec
import pytest

import numen
from numen.api import quotes
from numen.base.crypto import keccak256
from numen.cli.main import run_command
from numen.market import events
from numen.market.task import Hardware
from numen.market.worker import Behaviour, Profile
from numen.proof.quote import Tcb, Trust
from numen.proof.statement import UnboundError, UnprovenError
from numen.proof.tee.errors import MalformedQuoteError, TpmError
from numen.proof.tee.tpm import extended, name_of
from numen.vm.payload import encode_inputs
from numen.vm.tpm import Tpm
from tests.market.town import Job, build
from tests.node.market.test_processes import Processes, open_hall

SWTPM = shutil.which("swtpm")
TIMEOUT_S = 60
NONCE = keccak256(b"nonce")
CHECKQUOTE = ("tpm2_checkquote", "-u", "u", "-m", "m", "-s", "s", "-g", "sha256", "-q")
TEXT = "def main(a: u64, b: u64) -> u64:\n    return a * b + 1\n"

pytestmark = [
    pytest.mark.judges,
    pytest.mark.skipif(SWTPM is None, reason="swtpm is not installed (Debian: swtpm)"),
    pytest.mark.skipif(
        shutil.which("tpm2_quote") is None,
        reason="tpm2-tools are not installed (Debian: tpm2-tools)",
    ),
]


@pytest.fixture
def tcti():
    """A new software TPM, freshly started: all its registers are zero."""
    with tempfile.TemporaryDirectory(prefix="swtpm-") as folder:  # a socket's path must be short
        socket = Path(folder) / "tpm"
        command = [
            SWTPM, "socket", "--tpm2", "--tpmstate", f"dir={folder}",
            "--server", f"type=unixio,path={socket}",
            "--ctrl", f"type=unixio,path={socket}.ctrl", "--flags", "not-need-init,startup-clear",
        ]  # fmt: skip
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
            try:
                until = time.monotonic() + TIMEOUT_S
                while not socket.exists():
                    assert process.poll() is None, "swtpm ended"
                    assert time.monotonic() < until, "swtpm does not start"
                    time.sleep(0.02)
                yield f"swtpm:path={socket}"
            finally:
                process.kill()


def check(run, key, **changes):
    measurement = run.manifest.measurement
    rule = {
        "trust": Trust(frozenset({name_of(key)}), Tcb.UNRATED),
        "at": 0,
        "nonce": NONCE,
        "measurement": measurement,
        "launches": frozenset({quotes.launch_on_tpm(measurement).identity}),
    }
    quotes.check_run(run, **{**rule, **changes})


def test_a_run_is_measured_quoted_and_verified(tcti):
    program = numen.compile(TEXT)
    with Tpm(tcti) as tpm:
        value, run = quotes.run_on_tpm(program, [6, 7], tpm=tpm, nonce=NONCE)
        key = tpm.public
        assert tpm.read(13) == extended(quotes.prepare(program).manifest.measurement)
        again, _ = quotes.run_on_tpm(program, [1, 1], tpm=tpm, nonce=NONCE)

    assert (value, again) == (43, 2)
    check(quotes.read_run(quotes.write_run(run)), key)
    for field in ("inputs", "output", "work"):
        lie = run.claim.work + 1 if field == "work" else keccak256(b"lie")
        claim = msgspec.structs.replace(run.claim, **{field: lie})
        with pytest.raises((UnboundError, MalformedQuoteError)):
            check(msgspec.structs.replace(run, claim=claim), key)
    with pytest.raises(UnboundError):
        check(run, key, nonce=keccak256(b"an older one"))
    with pytest.raises(MalformedQuoteError, match="other code"):
        check(run, key, measurement=keccak256(b"other code"))
    with pytest.raises(UnboundError, match="launch"):
        check(run, key, launches=frozenset())
    with pytest.raises(UnprovenError, match="not trusted"):
        check(run, key[:-1] + bytes([key[-1] ^ 1]))
    lie = run.quote.document[:-1] + bytes([run.quote.document[-1] ^ 1])
    with pytest.raises(UnprovenError, match="signature"):
        check(
            msgspec.structs.replace(run, quote=msgspec.structs.replace(run.quote, document=lie)),
            key,
        )


def test_a_register_speaks_of_one_program(tcti):
    with Tpm(tcti) as tpm:
        quotes.run_on_tpm(numen.compile(TEXT), [6, 7], tpm=tpm, nonce=NONCE)
        other = numen.compile(TEXT.replace("+ 1", "+ 2"))
        with pytest.raises(TpmError, match="something else"):
            quotes.run_on_tpm(other, [6, 7], tpm=tpm, nonce=NONCE)
        value, _ = quotes.run_on_tpm(other, [6, 7], tpm=tpm, nonce=NONCE, register=12)
    assert value == 44


def test_the_boot_chain_is_quoted_with_the_run(tcti, tmp_path, capsys):
    (tmp_path / "f.py").write_text(TEXT)
    source, out = str(tmp_path / "f.py"), str(tmp_path / "run.quote")
    with Tpm(tcti) as tpm:
        tpm.extend(4, keccak256(b"a boot loader"))
        key, held = name_of(tpm.public).hex(), [tpm.read(register).hex() for register in (0, 4)]
    measurement = quotes.prepare(numen.compile(TEXT)).manifest.measurement.hex()
    nonce = ("--nonce", NONCE.hex())
    chosen = ("--boot", "4", "--boot", "0")
    assert (
        run_command(["quote", "run", source, "6", "7", "--tpm", tcti, *nonce, *chosen, "-o", out])
        == 0
    )

    verify = ["quote", "verify", out, "--root", key, "--measurement", measurement, *nonce]
    boot = [f"--boot=0={held[0]}", f"--boot=4={held[1]}"]
    assert run_command([*verify, *boot]) == 0
    assert run_command([*verify, boot[0], f"--boot=4={held[0]}"]) == 1
    assert run_command([*verify, boot[0]]) == 1
    assert run_command(verify) == 1
    assert "another launch" in capsys.readouterr().err


def test_the_key_is_the_same_each_time_and_another_on_each_tpm(tcti):
    keys = set()
    for _ in range(2):
        with Tpm(tcti) as tpm:
            keys.add(tpm.public)
    assert len(keys) == 1


def test_tpm2_tools_judge_our_quotes(tcti, tmp_path):
    with Tpm(tcti) as tpm:
        _, run = quotes.run_on_tpm(numen.compile(TEXT), [6, 7], tpm=tpm, nonce=NONCE)
    signature, public = run.quote.endorsements
    files = {"m": run.quote.document, "s": signature, "u": len(public).to_bytes(2, "big") + public}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    report = quotes.bind(run.manifest.measurement, quotes.claim_digest(run.claim), NONCE)
    for qualified, code in ((report, 0), (keccak256(b"lie"), 1)):
        done = subprocess.run(
            [*CHECKQUOTE, qualified.hex()],
            cwd=tmp_path,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == code, done.stderr


def test_the_command_line_runs_and_verifies(tcti, tmp_path, capsys):
    (tmp_path / "f.py").write_text(TEXT)
    source, out = str(tmp_path / "f.py"), str(tmp_path / "run.quote")

    def told(*words):
        code = run_command(["quote", *words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    _, measured = told("measure", source)
    code, ran = told("run", source, "6", "7", "--tpm", tcti, "--nonce", NONCE.hex(), "-o", out)
    assert (code, ran["outputs"]) == (0, 43)
    demands = ("--root", ran["key"], "--measurement", measured["measurement"])
    code, found = told("verify", out, *demands, "--nonce", NONCE.hex())
    assert (code, found["valid"], found["output"]) == (0, True, f"{43:064x}")
    code, found = told("verify", out, *demands, "--nonce", bytes(32).hex())
    assert (code, found["error"]["kind"]) == (1, "UnboundError")


def test_a_worker_with_a_tpm_sells_a_run_on_the_market(tcti):
    program = numen.compile(TEXT)
    measurement = quotes.prepare(program).manifest.measurement
    with Tpm(tcti) as tpm:
        attester = quotes.TpmAttester({program.program.id: program}, tpm)
        launch = quotes.launch_on_tpm(measurement).identity
        policy = Hardware(measurement, "tpm", (name_of(tpm.public),), (launch,))
        inputs = encode_inputs(program.program, [6, 7])
        job = Job(program.program.id, inputs, policy, bid=600)
        town = build(5, [job], (Profile(Behaviour.HONEST),), attester=attester)
        log = list(town.play.run())

    assert [e.evidence for e in log if isinstance(e, events.Settled)] == ["quote"]
    (receipt,) = town.play.receipts.values()
    assert receipt.messages[4].body.answer == (43).to_bytes(32, "big")


def test_a_worker_process_with_a_tpm_sells_a_quoted_run(tcti, tmp_path):
    """Hall, verifier, worker and buyer are processes; the TPM is a fifth."""
    processes = Processes(tmp_path)
    program = tmp_path / "f.py"
    program.write_text(TEXT)
    try:
        place = open_hall(processes)
        processes.start("verifier", "verifier", place, "--key", "verifier", "--insist")
        serves = ("--measures", str(program), "--tpm", tcti)
        processes.start("ada", "worker", place, "--key", "ada", "--insist", *serves)
        processes.start("cay", "worker", place, "--key", "cay", "--insist")
        processes.until(lambda: len(processes.events("called")) == 3)
        key = processes.lines("ada")[0]["tpm_key"]
        buy = ("submit", place, str(program), "6", "7", "--key", "buyer", "--bid", "50000")
        quoted = (*buy, "--evidence", "quote", "--json")
        bought = json.loads(processes.run(*quoted, "--root", key))
        refused = processes.run(*quoted, check=False)
    finally:
        for name in list(processes.running):
            processes.kill(name)

    assert (bought["value"], bought["evidence"]) == (43, "quote of tpm")
    assert bought["answers"] == [processes.lines("ada")[1]["account"]]
    assert [event["evidence"] for event in processes.events("settled")] == ["quote"]
    assert "WantError" in refused


def test_a_tpm_that_is_not_there_is_named():
    with (
        Tpm("swtpm:path=/tmp/none/tpm") as tpm,
        pytest.raises(TpmError, match="tpm2_pcrread fails"),
    ):
        tpm.read(13)
