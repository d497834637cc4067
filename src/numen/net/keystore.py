"""A key store: a folder with one encrypted file for each identity.

An identity is the two secrets that a person or a machine acts with: of a node, by which others know
it on the network, and of an account, which owns coins. What opens both is one password.

A file is JSON. Its key comes of the password by scrypt, its secrets are sealed by
ChaCha20-Poly1305 together with everything else that the file says, so that nothing of it can be
changed. It is written whole or not at all, for its owner alone to read, and never over another.

Source: RFC 7914 (scrypt), RFC 8439.
"""

import contextlib
import hashlib
import os
import re
import secrets
import sys
import tempfile
import unicodedata
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from msgspec import Meta

from numen.base.codec import digest
from numen.base.crypto import BadKeyError, SigningKey
from numen.net.errors import (
    KeyExistsError,
    KeyFileError,
    KeyNameError,
    NoKeyError,
    WrongPasswordError,
)
from numen.net.identity import NodeKey

FORMAT: Final = "numen/keys/1"

COST: Final = 1 << 17
"""Rounds of scrypt: 128 MiB and some tenths of a second for each guess of a password."""

COST_MIN: Final = 1 << 12
COST_MAX: Final = 1 << 20
"""What a file may ask for: a hostile one must not be able to take all memory."""

_BLOCK: Final = 8
_FILE_BYTES_MAX: Final = 4096
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")

_Hex16 = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
_Hex12 = Annotated[str, Meta(pattern="^[0-9a-f]{24}$")]
_Node = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
_Account = Annotated[str, Meta(pattern="^0x[0-9a-f]{40}$")]
_Sealed = Annotated[str, Meta(pattern="^[0-9a-f]{160}$")]


class _Head(msgspec.Struct, frozen=True, array_like=True):
    """What is sealed with the secrets, and not secret."""

    node: _Node
    account: _Account
    cost: Annotated[int, Meta(ge=COST_MIN, le=COST_MAX)]
    salt: _Hex16
    nonce: _Hex12


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key file as JSON has it, and as `docs/reference/formats.md` says."""

    format: Literal["numen/keys/1"]
    node: _Node
    account: _Account
    kdf: Literal["scrypt"]
    cost: Annotated[int, Meta(ge=COST_MIN, le=COST_MAX)]
    salt: _Hex16
    cipher: Literal["chacha20-poly1305"]
    nonce: _Hex12
    sealed: _Sealed

    @property
    def head(self) -> _Head:
        """What is sealed with the secrets."""
        return _Head(self.node, self.account, self.cost, self.salt, self.nonce)


class Public(msgspec.Struct, frozen=True):
    """What others may know of an identity.

    Attributes:
        name: How it is called here.
        node: Public key of its node.
        account: Address of its account.
        path: Its file.
    """

    name: str
    node: bytes
    account: bytes
    path: Path


class Identity(msgspec.Struct, frozen=True):
    """The secrets of an identity; they show themselves nowhere.

    Attributes:
        name: How it is called here.
        node: By which others know it on the network.
        account: Which owns coins.
    """

    name: str
    node: NodeKey
    account: SigningKey


class KeyStore:
    """A folder of identities.

    Args:
        folder: Made when the first identity is.
        cost: Rounds of scrypt for new files, a power of two.
    """

    def __init__(self, folder: Path, cost: int = COST) -> None:
        assert COST_MIN <= cost <= COST_MAX
        assert cost & (cost - 1) == 0
        self._folder = folder
        self._cost = cost

    def names(self) -> list[str]:
        """The names of all identities."""
        found = self._folder.glob("*.json") if self._folder.is_dir() else ()
        return sorted(path.stem for path in found if _NAME.fullmatch(path.stem))

    def create(self, name: str, password: str) -> Public:
        """Make an identity from the machine's chance, and write it.

        Raises:
            KeyNameError: No identity can be called so.
            KeyExistsError: One is already.
            OSError: The file cannot be written.
        """
        path = self._path(name)
        if path.exists():
            raise KeyExistsError(name, path)
        node, account = secrets.token_bytes(32), _scalar()
        public = Public(name, NodeKey(node).id, SigningKey(account).address, path)
        head = _Head(
            public.node.hex(),
            f"0x{public.account.hex()}",
            self._cost,
            secrets.token_hex(16),
            secrets.token_hex(12),
        )
        sealed = _cipher(password, head).encrypt(
            bytes.fromhex(head.nonce), node + account, _about(head)
        )
        file = _File(
            FORMAT, head.node, head.account, "scrypt", head.cost, head.salt,
            "chacha20-poly1305", head.nonce, sealed.hex(),
        )  # fmt: skip
        text = msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _write_new(path, text)
        except FileExistsError:
            raise KeyExistsError(name, path) from None
        return public

    def public(self, name: str) -> Public:
        """Read what others may know of an identity; only `open` shows that the file is unaltered.

        Raises:
            KeyStoreError: There is none of that name, or its file is none.
        """
        path = self._path(name)
        file = _read(name, path)
        return Public(name, bytes.fromhex(file.node), bytes.fromhex(file.account[2:]), path)

    def open(self, name: str, password: str) -> Identity:
        """Open an identity.

        Raises:
            WrongPasswordError: The password is another, or the file was altered.
            KeyStoreError: There is none of that name, or its file is none.

        Cost: what `COST` says, in memory and time.
        """
        path = self._path(name)
        file = _read(name, path)
        head = file.head
        try:
            opened = _cipher(password, head).decrypt(
                bytes.fromhex(head.nonce), bytes.fromhex(file.sealed), _about(head)
            )
            identity = Identity(name, NodeKey(opened[:32]), SigningKey(opened[32:]))
        except InvalidTag:
            raise WrongPasswordError(path) from None
        except BadKeyError as error:
            raise KeyFileError(path, "what is sealed in it is no key") from error
        if (identity.node.id.hex(), f"0x{identity.account.address.hex()}") != (
            head.node,
            head.account,
        ):
            raise KeyFileError(path, "it says other public keys than it holds")
        return identity

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise KeyNameError(name)
        return self._folder / f"{name}.json"


def default_folder() -> Path:
    """Where the identities of who runs this are: ``NUMEN_KEYS``, or as the system has it.

    Raises:
        RuntimeError: Nobody is home.
    """
    chosen = os.environ.get("NUMEN_KEYS")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/numen/keys"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "numen/keys"


def _scalar() -> bytes:
    """A secret of secp256k1: all but one in 2**127 of 32 bytes are."""
    while True:
        secret = secrets.token_bytes(32)
        with contextlib.suppress(BadKeyError):
            SigningKey(secret)
            return secret


def _cipher(password: str, head: _Head) -> ChaCha20Poly1305:
    key = hashlib.scrypt(
        unicodedata.normalize("NFKC", password).encode(errors="surrogateescape"),
        salt=bytes.fromhex(head.salt),
        n=head.cost,
        r=_BLOCK,
        p=1,
        maxmem=2 * 128 * _BLOCK * head.cost,
        dklen=32,
    )
    return ChaCha20Poly1305(key)


def _about(head: _Head) -> bytes:
    return digest(FORMAT, head)


def _read(name: str, path: Path) -> _File:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise KeyFileError(path, "others may read it; `chmod 600` it")
            text = file.read(_FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        raise NoKeyError(name, path) from None
    if len(text) > _FILE_BYTES_MAX:
        raise KeyFileError(path, f"it has more than {_FILE_BYTES_MAX} bytes")
    try:
        found = msgspec.json.decode(text, type=_File)
    except (msgspec.MsgspecError, ValueError) as error:
        raise KeyFileError(path, str(error)) from error
    if found.cost & (found.cost - 1):
        raise KeyFileError(path, f"its cost {found.cost} is no power of two")
    return found


def _write_new(path: Path, data: bytes) -> None:
    """Write a file whole, for its owner alone, where there was none.

    Raises:
        FileExistsError: There was.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.stem}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # unlike a renaming, it replaces nothing
    finally:
        Path(temporary).unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
