"""A TPM 2.0, by the commands of tpm2-tools: registers are extended, and quoted.

The attestation key is a primary key of the endorsement hierarchy: the TPM makes the same one each
time, and never gives it away. It may sign only what the TPM itself states.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from numen.proof.quote import Quote
from numen.proof.tee.errors import TpmError
from numen.proof.tee.tpm import PCR_BYTES

TIMEOUT_S: Final = 60
"""How long one command may take: the chips are slow, and a software TPM is not."""

_KEY: Final = "ecc256:ecdsa-sha256:null"
_ATTRIBUTES: Final = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign"


class Tpm:
    """A TPM that can be spoken to; a context, because contexts of keys are files.

    Args:
        tcti: How to reach it, as tpm2-tools has it: ``device:/dev/tpmrm0``, ``swtpm:path=...``.
    """

    def __init__(self, tcti: str) -> None:
        self._tcti = tcti
        self._folder = tempfile.TemporaryDirectory(prefix="numen-tpm-")
        self._path = Path(self._folder.name)
        self._has_key = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    @property
    def public(self) -> bytes:
        """The public area of the attestation key (TPMT_PUBLIC).

        Raises:
            TpmError: A command fails.
        """
        self._make_key()
        # The tools write it with its length in front.
        return (self._path / "key.pub").read_bytes()[2:]

    def read(self, register: int) -> bytes:
        """The value of a register in the bank of SHA-256; 32 bytes.

        Raises:
            TpmError: A command fails.
        """
        self._tool("pcrread", f"sha256:{register}", "-o", "register")
        value = (self._path / "register").read_bytes()
        if len(value) != PCR_BYTES:
            raise TpmError(f"register {register} has {len(value)} bytes")
        return value

    def extend(self, register: int, measurement: bytes) -> None:
        """Extend a register: only a reboot takes that back, of those below 16.

        Raises:
            TpmError: A command fails.
        """
        self._tool("pcrextend", f"{register}:sha256={measurement.hex()}")

    def quote(self, registers: list[int], report: bytes) -> Quote:
        """Quote registers, with a report as qualifying data.

        Args:
            registers: Their numbers.
            report: At most 64 bytes.

        Raises:
            TpmError: A command fails.
        """
        public = self.public
        listed = ",".join(map(str, sorted(registers)))
        self._tool(
            "quote", "-c", "key.ctx", "-l", f"sha256:{listed}", "-q", report.hex(), "-g", "sha256",
            "-m", "quote", "-s", "signature", "-f", "tss",
        )  # fmt: skip
        quoted, signature = (self._path / name for name in ("quote", "signature"))
        return Quote("tpm", quoted.read_bytes(), (signature.read_bytes(), public))

    def _make_key(self) -> None:
        if self._has_key:
            return
        self._tool("createprimary", "-C", "e", "-G", _KEY, "-a", _ATTRIBUTES, "-c", "key.ctx")
        self._tool("readpublic", "-c", "key.ctx", "-o", "key.pub", "-f", "tss")
        self._has_key = True

    def _tool(self, name: str, *args: str) -> None:
        command = shutil.which(f"tpm2_{name}")
        if command is None:
            raise TpmError(
                f"the command tpm2_{name} is not installed",
                hint="on Debian: apt-get install tpm2-tools",
            )
        try:
            done = subprocess.run(  # noqa: S603 - arguments are ours, and no shell reads them
                [command, "-T", self._tcti, *args],
                cwd=self._path,
                env={"PATH": os.environ.get("PATH", ""), "TSS2_LOG": "all+NONE"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TpmError(f"tpm2_{name} took more than {TIMEOUT_S} s") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise TpmError(
                f"tpm2_{name} fails: {said[-1] if said else done.returncode}",
                hint=f"is there a TPM at {self._tcti!r}, and may you use it?",
            )
        if self._tcti.startswith("swtpm:") and name in ("createprimary", "quote"):
            # Nobody keeps a software TPM's few places for keys free but who uses them.
            self._tool("flushcontext", "-t")
