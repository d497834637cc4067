"""Objects on disk: found by what they are made of, believed only with our seal.

Layout below the root (``$NUMEN_CACHE``, or the platform's cache directory):

    seal-key           32 random bytes, readable by the owner only
    objects/ab/abcd…   seal (32 bytes), then the object

The seal is a keyed BLAKE2b of name and object, so an entry that is torn, altered, or was made by
someone without the key is as good as absent. Nothing is kept where other users may write.
Entries appear by rename, so readers and writers in other processes see all of one or none.
"""

import hashlib
import hmac
import os
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path

SEAL_BYTES = 32
SIZE_BYTES_MAX = 512 << 20
"""What the cache may grow to before the entries that were used longest ago are removed."""
_KEEP_NUMERATOR, _KEEP_DENOMINATOR = 9, 10
_SHARES = 16


def default_root() -> Path | None:
    """Where objects are kept; None when ``NUMEN_CACHE`` is set and empty, or nobody is home."""
    chosen = os.environ.get("NUMEN_CACHE")
    if chosen is not None:
        return Path(chosen) if chosen else None
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "darwin":
        return home / "Library/Caches/numen"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "numen"


class ObjectCache:
    """A directory of sealed objects.

    Every failure of the disk is a miss: the cache may cost time, never an answer.
    """

    def __init__(self, root: Path, size_bytes_max: int = SIZE_BYTES_MAX) -> None:
        self._root = root
        self._objects = root / "objects"
        self._size_bytes_max = size_bytes_max
        self._key = _open_key(root)
        self._written_bytes = 0
        self._slack_bytes = 0

    @property
    def usable(self) -> bool:
        """Whether the directory is ours alone to write."""
        return self._key is not None

    def get(self, name: str) -> bytes | None:
        """The object of that name, or None if it is not there or does not bear our seal."""
        if self._key is None:
            return None
        path = self._path(name)
        try:
            entry = path.read_bytes()
        except OSError:
            return None
        seal, code = entry[:SEAL_BYTES], entry[SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(name, code)):
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)
        return code

    def put(self, name: str, code: bytes) -> None:
        """Keep an object, and make room if there is too much."""
        if self._key is None:
            return
        path = self._path(name)
        draft = path.with_name(f".{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_bytes(self._seal(name, code) + code)
            draft.replace(path)
        except OSError:
            with suppress(OSError):
                draft.unlink()
            return
        # Looking at every entry takes longer than writing one: not before it may be needed.
        self._written_bytes += SEAL_BYTES + len(code)
        if self._written_bytes > self._slack_bytes:
            self._make_room()

    def _path(self, name: str) -> Path:
        return self._objects / name[:2] / name

    def _seal(self, name: str, code: bytes) -> bytes:
        assert self._key is not None
        mac = hashlib.blake2b(key=self._key, digest_size=SEAL_BYTES, person=b"numen object")
        mac.update(len(name).to_bytes(8, "big") + name.encode())
        mac.update(code)
        return mac.digest()

    def _make_room(self) -> None:
        entries = []
        for path in self._objects.glob("*/*"):
            with suppress(OSError):
                info = path.stat()
                entries.append((info.st_mtime_ns, info.st_size, path))
        total = sum(size for _, size, _ in entries)
        self._written_bytes = 0
        # Other processes write too: a part of what is free is this one's.
        self._slack_bytes = max(0, self._size_bytes_max - total) // _SHARES
        if total <= self._size_bytes_max:
            return
        for _, size, path in sorted(entries):
            if total * _KEEP_DENOMINATOR <= self._size_bytes_max * _KEEP_NUMERATOR:
                return
            with suppress(OSError):
                path.unlink()
            total -= size


def _open_key(root: Path) -> bytes | None:
    """The key of the seals, made on first use; None where the directory cannot be trusted."""
    path = root / "seal-key"
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(root.stat(), writable_by_others=0o022):
            return None
        if not path.exists():
            _create_key(path)
        with path.open("rb") as file:
            if not _is_ours(os.fstat(file.fileno()), writable_by_others=0o077):
                return None
            key = file.read(SEAL_BYTES + 1)
    except OSError:
        return None
    return key if len(key) == SEAL_BYTES else None


def _create_key(path: Path) -> None:
    # A link appears complete or not at all, and the first of several processes wins.
    draft = path.with_name(f".{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(SEAL_BYTES))
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def _is_ours(info: os.stat_result, writable_by_others: int) -> bool:
    return info.st_uid == os.geteuid() and not stat.S_IMODE(info.st_mode) & writable_by_others
