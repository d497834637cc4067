"""Who contributed to a ceremony, as its files record it: kind, name, and a beacon's value.

    kind (u32) | size (u32) | fields, in order: 1 name, 2 logarithm of iterations, 3 beacon's value
    name and value: size (u8), bytes; logarithm: u8

Source: https://github.com/iden3/snarkjs (zkey_utils, powersoftau_utils), version 0.7.
"""

import msgspec

from numen.kernels import curve
from numen.proof.binfile import Cursor
from numen.proof.bn254 import G1Point, G2Point, is_in_g2
from numen.proof.ceremony.dice import BEACON_LOG_MAX, BEACON_LOG_MIN
from numen.proof.ceremony.knowledge import Knowledge
from numen.proof.ceremony.stream import rows_of
from numen.proof.errors import CeremonyError
from numen.proof.points import Points, first_off_curve

PARTY, BEACON = 0, 1

CONTRIBUTIONS_MAX = 10_000
"""The largest ceremonies had some thousands."""

NAME_CHARACTERS_MAX = 64

_NAME, _LOG, _VALUE = 1, 2, 3


class Beacon(msgspec.Struct, frozen=True):
    """A public random value in the place of a party, that ends a ceremony.

    Attributes:
        value: 1 to 255 bytes.
        iterations_log: Binary logarithm of how often it is hashed, 10 to 63.
    """

    value: bytes
    iterations_log: int


class Signature(msgspec.Struct, frozen=True):
    """What a contribution says of its maker.

    Attributes:
        name: As the party calls itself; nothing vouches for it.
        beacon: Set where no party but a beacon contributed.
    """

    name: str = ""
    beacon: Beacon | None = None


def check_signature(signature: Signature) -> None:
    """Refuse what a file cannot hold.

    Raises:
        CeremonyError: A name or a value that is too long, or a count of rounds out of range.
    """
    if len(signature.name) > NAME_CHARACTERS_MAX or len(signature.name.encode()) > 255:
        raise CeremonyError(f"a name has at most {NAME_CHARACTERS_MAX} characters")
    beacon = signature.beacon
    if beacon is None:
        return
    if not 1 <= len(beacon.value) <= 255:
        raise CeremonyError("the value of a beacon has 1 to 255 bytes")
    if not BEACON_LOG_MIN <= beacon.iterations_log <= BEACON_LOG_MAX:
        raise CeremonyError(f"the logarithm of iterations is {BEACON_LOG_MIN} to {BEACON_LOG_MAX}")


def write_signature(signature: Signature) -> bytes:
    """Write kind, size and fields."""
    fields = b""
    if signature.name:
        name = signature.name.encode()
        fields += bytes([_NAME, len(name)]) + name
    if signature.beacon:
        value = signature.beacon.value
        fields += bytes([_LOG, signature.beacon.iterations_log, _VALUE, len(value)]) + value
    kind = BEACON if signature.beacon else PARTY
    return kind.to_bytes(4, "little") + len(fields).to_bytes(4, "little") + fields


def take_signature(cursor: Cursor) -> Signature:
    """Read what `write_signature` writes, and nothing else.

    Raises:
        FormatError: Another kind, fields that are unknown, out of order, or not of the kind.
    """
    start = cursor.offset
    kind, size = cursor.unsigned(4), cursor.unsigned(4)
    if kind not in (PARTY, BEACON):
        raise cursor.wrong(f"a contribution of kind {kind}", start)
    fields = Cursor(cursor.format, cursor.data, cursor.offset, cursor.offset + size)
    cursor.take(size)
    name = ""
    if fields.left and fields.data[fields.offset] == _NAME:
        fields.take(1)
        at = fields.offset
        try:
            name = fields.take(fields.unsigned(1)).decode()
        except UnicodeDecodeError:
            raise fields.wrong("a name that is no text", at) from None
        if not name:
            raise fields.wrong("a name without characters", at)
    beacon = _take_beacon(fields) if kind == BEACON else None
    fields.finish()
    return Signature(name, beacon)


def _take_beacon(fields: Cursor) -> Beacon:
    start = fields.offset
    tag, log = fields.unsigned(1), fields.unsigned(1)
    if tag != _LOG or not BEACON_LOG_MIN <= log <= BEACON_LOG_MAX:
        raise fields.wrong("a beacon without its count of iterations", start)
    if fields.unsigned(1) != _VALUE:
        raise fields.wrong("a beacon without its value", fields.offset - 1)
    value = fields.take(fields.unsigned(1))
    if not value:
        raise fields.wrong("a beacon without its value", start)
    return Beacon(value, log)


def take_g1(cursor: Cursor) -> G1Point:
    """Read one point in Montgomery form.

    Raises:
        FormatError: It is infinity, or no point of G1.
    """
    start = cursor.offset
    (point,) = curve.G1.decode(_take_row(cursor, curve.G1))
    if point is None:
        raise cursor.wrong("a point of a contribution is infinity", start)
    return point


def take_g2(cursor: Cursor) -> G2Point:
    """Read one point in Montgomery form.

    Raises:
        FormatError: It is infinity, or no point of G2.
    """
    start = cursor.offset
    (point,) = curve.G2.decode(_take_row(cursor, curve.G2))
    if point is None or not is_in_g2(point):
        raise cursor.wrong("a point of a contribution is infinity, or not in G2", start)
    return point


def take_knowledge(cursor: Cursor) -> Knowledge:
    """Read a proof of knowledge, its points in order."""
    return Knowledge(take_g1(cursor), take_g1(cursor), take_g2(cursor))


def _take_row(cursor: Cursor, group: curve.Group) -> Points:
    start = cursor.offset
    raw = cursor.take(8 * group.columns)
    rows = rows_of(group, raw)
    if first_off_curve(group, rows) is not None:
        raise cursor.wrong("a point is not on the curve", start)
    return rows


def bytes_of(group: curve.Group, *points: G1Point | G2Point) -> bytes:
    """Points in Montgomery form, as files hold them."""
    return group.encode(points).astype("<u8", copy=False).tobytes()
