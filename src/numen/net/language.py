"""A language: which messages two nodes may say to each other, in which versions.

    version: 2 bytes, big-endian | canonical bytes of an `Envelope`

Version 0 is no language: its one message is a `Refusal`, and it never changes, so that nodes of
any age can tell each other what they do not understand and what they speak instead.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from numen.base.codec import U64, CodecError, decode, encode
from numen.net.errors import MessageError

TAG_LENGTH_MAX: Final = 40
VERSIONS_MAX: Final = 32
VERSION_MAX: Final = 2**16 - 1

_HEAD_BYTES: Final = 2
_REFUSALS: Final = b"\0\0"
_REFUSAL_BYTES_MAX: Final = 256
_ENVELOPE_BYTES: Final = 64
"""What an envelope has at most besides its body."""

_Version = Annotated[int, Meta(ge=1, le=VERSION_MAX)]

Reason = Literal["version", "tag", "size", "malformed"]
"""What was wrong with a message: its version is not spoken, its tag is unknown, it is too long,
or its bytes are no such message."""


class Kind(msgspec.Struct, frozen=True):
    """One kind of message.

    Attributes:
        type: A canonical struct with a tag, such as ``offer/1``.
        size_max: Longest canonical encoding, in bytes.
    """

    type: type[msgspec.Struct]
    size_max: int

    @property
    def tag(self) -> str:
        """How it is called on the wire."""
        tag = self.type.__struct_config__.tag
        assert isinstance(tag, str), "messages have tags"
        assert 0 < len(tag) <= TAG_LENGTH_MAX
        return tag


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """A message on the wire.

    Attributes:
        tag: Which kind it is.
        answers: Number of the receiver's message that it answers, or None.
        body: Its canonical bytes.
    """

    tag: Annotated[str, Meta(min_length=1, max_length=TAG_LENGTH_MAX)]
    answers: U64 | None
    body: bytes


class Refusal(msgspec.Struct, frozen=True, array_like=True):
    """What is answered to a message that was not understood. It is never answered itself.

    Attributes:
        number: Which message: how many the receiver of this sent before it.
        reason: What was wrong.
        versions: What is spoken instead.
    """

    number: U64
    reason: Reason
    versions: Annotated[tuple[_Version, ...], Meta(max_length=VERSIONS_MAX)]


class Spoken(msgspec.Struct, frozen=True):
    """A message that was understood.

    Attributes:
        version: What it is written in.
        value: The message.
        answers: Number of our message that it answers, or None.
    """

    version: int
    value: Any
    answers: int | None


class Language:
    """All versions of a protocol that a node speaks.

    Args:
        versions: Version, from 1, to the kinds of message that it has.
    """

    def __init__(self, versions: Mapping[int, Iterable[Kind]]) -> None:
        self._kinds = {
            version: {kind.tag: kind for kind in kinds} for version, kinds in versions.items()
        }
        self.versions = tuple(sorted(self._kinds))
        assert 0 < len(self.versions) <= VERSIONS_MAX
        assert 1 <= self.versions[0] <= self.versions[-1] <= VERSION_MAX

    @property
    def latest(self) -> int:
        """The highest version."""
        return self.versions[-1]

    def common(self, theirs: Iterable[int]) -> int | None:
        """The highest version that others speak too, or None."""
        return max(set(self.versions) & set(theirs), default=None)

    def write(self, version: int, value: msgspec.Struct, answers: int | None = None) -> bytes:
        """Write a message.

        Args:
            version: One that is spoken.
            value: The message.
            answers: Number of a message that it answers.

        Raises:
            MessageError: The version has no such message, or it is too long, or not of its type.
        """
        tag = str(type(value).__struct_config__.tag)
        kind = self._kinds[version].get(tag)
        if kind is None or kind.type is not type(value):
            raise MessageError(f"version {version} has no message {tag!r}")
        try:
            body = encode(value, size_max=kind.size_max)
        except CodecError as error:
            raise MessageError(f"a message {tag!r} cannot be sent: {error}") from error
        envelope = Envelope(tag, answers, body)
        raw = encode(envelope, size_max=len(body) + _ENVELOPE_BYTES)
        return version.to_bytes(_HEAD_BYTES, "big") + raw

    def read(self, frame: bytes, number: int) -> Spoken | Refusal:
        """Read a message from a stranger.

        Args:
            frame: What came.
            number: How many messages came before it.

        Returns:
            The message, or what to answer to it.
        """
        version = int.from_bytes(frame[:_HEAD_BYTES], "big")
        kinds = self._kinds.get(version)
        if kinds is None:
            return self._refusal(number, "version")
        try:
            envelope = decode(Envelope, frame[_HEAD_BYTES:], size_max=_wire_max(kinds))
        except CodecError:
            return self._refusal(number, "malformed")
        kind = kinds.get(envelope.tag)
        if kind is None:
            return self._refusal(number, "tag")
        if len(envelope.body) > kind.size_max:
            return self._refusal(number, "size")
        try:
            value = decode(kind.type, envelope.body, size_max=kind.size_max)
        except CodecError:
            return self._refusal(number, "malformed")
        return Spoken(version, value, envelope.answers)

    def _refusal(self, number: int, reason: Reason) -> Refusal:
        return Refusal(number, reason, self.versions)


def write_refusal(refusal: Refusal) -> bytes:
    """Write a refusal, as every version reads it."""
    return _REFUSALS + encode(refusal)


def read_refusal(frame: bytes) -> Refusal | None:
    """Read a refusal; None where the frame is a message of some version.

    Raises:
        MessageError: It says that it is a refusal, and is none.
    """
    if frame[:_HEAD_BYTES] != _REFUSALS:
        return None
    try:
        return decode(Refusal, frame[_HEAD_BYTES:], size_max=_REFUSAL_BYTES_MAX)
    except CodecError as error:
        raise MessageError("the other side sends what is no refusal as one") from error


def _wire_max(kinds: Mapping[str, Kind]) -> int:
    longest = max((kind.size_max for kind in kinds.values()), default=0)
    return longest + _ENVELOPE_BYTES
