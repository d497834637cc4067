"""Gossip: how two nodes come to the same kernel for little more than what one of them lacks.

    Offer    →      so many sheets I have, and this is a hash of each bucket of them
           ← Steps  of these buckets ours differ: this is how old my sheets are
    News     →      what you lack, and which of yours I lack
           ← News   those

The article's three modes are three ways to begin:

*full*       who knows less than half of what the other knows is sent everything at once;
*reduced*    the exchange above: the complements and nothing else, as patches (`numen.trust.patch`),
             after a hash for each of `BUCKETS` and two bytes an attester in those that differ;
*targeted*   what a node has just found goes, unasked, to those who rest on it: its own attesters,
             whose paths of trust lead through it.

A member is in bucket ``index % BUCKETS``. A bucket's hash is over the digests of its sheets; of
each sheet two bytes are told, its age in steps and a byte of its digest, so a contradiction of one
step goes unseen between two nodes with a chance of 1/256, until its attester's next sheet.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, encode
from numen.base.crypto import keccak256
from numen.trust.attestation import Index, SignedSheet
from numen.trust.errors import AttestationError, GossipError
from numen.trust.history import STEPS
from numen.trust.kernel import Kernel
from numen.trust.patch import Patch, patch_of, patched
from numen.trust.roster import MEMBERS_MAX

BUCKETS: Final = 32
HASH_BYTES: Final = 8

NEWS_BYTES_MAX: Final = 1 << 19
"""Bytes of sheets in one message; what does not fit is news the next time."""

NEWS_MAX: Final = 1 << 13
"""Sheets in one message, or numbers of wanted ones."""

TARGETS_MAX: Final = 16
"""Most nodes to whom a new sheet goes unasked."""

_UNKNOWN: Final = 255


class Offer(msgspec.Struct, frozen=True, array_like=True, tag="offer"):
    """What somebody knows, in short.

    Attributes:
        step: The present step.
        known: How many sheets it has.
        hashes: A hash of `HASH_BYTES` for each bucket.
    """

    step: U64
    known: Annotated[int, Meta(ge=0, le=MEMBERS_MAX)]
    hashes: Annotated[bytes, Meta(min_length=BUCKETS * HASH_BYTES, max_length=BUCKETS * HASH_BYTES)]


class Steps(msgspec.Struct, frozen=True, array_like=True, tag="steps"):
    """How old the sheets of some buckets are.

    Attributes:
        step: The step from which ages are counted.
        buckets: Which, ascending.
        ages: For each member of each bucket its sheet's age (255: unknown), and a byte of its
            digest.
    """

    step: U64
    buckets: Annotated[tuple[Annotated[int, Meta(ge=0, lt=BUCKETS)], ...], Meta(max_length=BUCKETS)]
    ages: Annotated[bytes, Meta(max_length=2 * MEMBERS_MAX)]


class News(msgspec.Struct, frozen=True, array_like=True, tag="news"):
    """Sheets and patches, and a wish for others.

    Attributes:
        sheets: For the other to take.
        patches: The same, for who has a sheet of the step that they begin at.
        step: The step from which the ages of `bases` are counted.
        wanted: Attesters whose sheets the other is asked for, ascending.
        bases: For each of them the age of the sheet there is, to be patched (255: none).
    """

    sheets: Annotated[tuple[SignedSheet, ...], Meta(max_length=NEWS_MAX)] = ()
    patches: Annotated[tuple[Patch, ...], Meta(max_length=NEWS_MAX)] = ()
    step: U64 = 0
    wanted: Annotated[tuple[Index, ...], Meta(max_length=NEWS_MAX)] = ()
    bases: Annotated[bytes, Meta(max_length=NEWS_MAX)] = b""


Message = Offer | Steps | News


def offer(kernel: Kernel) -> Offer:
    """Begin an exchange."""
    hashes = b"".join(_hash(kernel, bucket) for bucket in range(BUCKETS))
    return Offer(kernel.now, len(kernel), hashes)


def answer(kernel: Kernel, message: Message) -> Message | None:
    """Take a message of another node, and give what it is answered with, or None.

    Raises:
        GossipError: No honest node sends it.
        AttestationError: It has a sheet that is not what its attester may say.

    Cost: a check of a signature for each sheet that is news.
    """
    match message:
        case Offer():
            return _on_offer(kernel, message)
        case Steps():
            return _on_steps(kernel, message)
        case News():
            return _on_news(kernel, message)


def announcement(kernel: Kernel, index: int) -> News:
    """The targeted mode: a node's own newest sheet, as a patch for who has the one before."""
    signed = kernel.get(index)
    assert signed is not None
    return _news([(signed, signed.sheet.step - 1)])


def everything(kernel: Kernel) -> Iterator[News]:
    """The full mode: all that is known, in as many messages as it takes."""
    rest = [(signed, -1) for signed in kernel]
    while rest:
        news = _news(rest)
        yield news
        rest = rest[len(news.sheets) :]


def beneficiaries(kernel: Kernel, index: int) -> tuple[int, ...]:
    """The targeted mode: who rests on a node, which is who attests it; `TARGETS_MAX` at most."""
    attesters = (
        signed.sheet.attester
        for signed in kernel
        if any(line.target == index and line.good > line.bad for line in signed.sheet.lines)
    )
    return tuple(attester for attester, _ in zip(attesters, range(TARGETS_MAX), strict=False))


def is_full(mine: int, theirs: int) -> bool:
    """Whether another knows so little that it is sent everything: less than half of ours."""
    return 2 * theirs < mine


def _on_offer(kernel: Kernel, theirs: Offer) -> Message | None:
    if is_full(len(kernel), theirs.known):
        return next(everything(kernel))
    differing = tuple(
        bucket
        for bucket in range(BUCKETS)
        if _hash(kernel, bucket) != theirs.hashes[bucket * HASH_BYTES : (bucket + 1) * HASH_BYTES]
    )
    if not differing:
        return None
    ages = b"".join(_ages(kernel, bucket) for bucket in differing)
    return Steps(kernel.now, differing, ages)


def _on_steps(kernel: Kernel, theirs: Steps) -> News | None:
    """Send what is newer here, and ask for what is newer there."""
    _check_ascending(theirs.buckets, BUCKETS)
    places = [at for bucket in theirs.buckets for at in _bucket(kernel, bucket)]
    if len(theirs.ages) != 2 * len(places):
        raise GossipError(f"{len(theirs.ages)} bytes of ages for {len(places)} members")
    newer: list[tuple[SignedSheet, int]] = []
    wanted: list[int] = []
    for position, attester in enumerate(places):
        told, check = theirs.ages[2 * position], theirs.ages[2 * position + 1]
        step = _step(theirs.step, told)
        signed = kernel.get(attester)
        ours = -1 if signed is None else signed.sheet.step
        if ours == step and (signed is None or kernel.digest(attester)[0] == check):
            continue
        if ours >= step and signed is not None:
            newer.append((signed, step))
        if step >= ours and step > kernel.now - STEPS:
            wanted.append(attester)
    if not newer and not wanted:
        return None
    return _wish(kernel, _news(newer), wanted)


def _on_news(kernel: Kernel, theirs: News) -> News | None:
    """Take what is new; ask for sheets whose patch does not fit, and give what is wanted."""
    _check_ascending(theirs.wanted, len(kernel.members))
    if len(theirs.bases) != len(theirs.wanted):
        raise GossipError(f"{len(theirs.bases)} ages for {len(theirs.wanted)} wanted sheets")
    kernel.merge(theirs.sheets)
    unfit = list({p.attester for p in theirs.patches if not _take(kernel, p)})
    given = [
        (signed, _step(theirs.step, told))
        for attester, told in zip(theirs.wanted, theirs.bases, strict=True)
        if (signed := kernel.get(attester)) is not None
    ]
    if not given and not unfit:
        return None
    return _wish(kernel, _news(given), unfit, is_whole=True)


def _take(kernel: Kernel, patch: Patch) -> bool:
    """Patch a sheet; whether that is done with, since it fits or is of no use."""
    base = kernel.get(patch.attester)
    if base is not None and base.sheet.step >= patch.step:
        return True
    later = None if base is None else patched(base, patch)
    if later is None:
        return kernel.now - patch.step >= STEPS
    try:
        kernel.put(later)
    except AttestationError:
        return False
    return True


def _news(given: Iterable[tuple[SignedSheet, int]]) -> News:
    """As many of the sheets as fit into a message, as patches for who has a sheet of some step."""
    sheets: list[SignedSheet] = []
    patches: list[Patch] = []
    size = 0
    for signed, base in given:
        patch = patch_of(signed, base)
        size += len(encode(patch or signed))
        if size > NEWS_BYTES_MAX or len(sheets) + len(patches) == NEWS_MAX:
            break
        if patch is None:
            sheets.append(signed)
        else:
            patches.append(patch)
    return News(tuple(sheets), tuple(patches))


def _wish(kernel: Kernel, news: News, wanted: list[int], *, is_whole: bool = False) -> News:
    """Add a wish to news, for patches or for whole sheets."""
    asked = tuple(sorted(wanted)[:NEWS_MAX])
    ages = b"".join(bytes((_UNKNOWN,)) if is_whole else _age(kernel, at)[:1] for at in asked)
    return msgspec.structs.replace(news, step=kernel.now, wanted=asked, bases=ages)


def _step(now: int, told: int) -> int:
    """The step of a sheet of a told age; -1 for none."""
    return -1 if told == _UNKNOWN else now - told


def _bucket(kernel: Kernel, bucket: int) -> range:
    return range(bucket, len(kernel.members), BUCKETS)


def _hash(kernel: Kernel, bucket: int) -> bytes:
    digests = (kernel.digest(attester) or bytes(32) for attester in _bucket(kernel, bucket))
    return keccak256(*digests)[:HASH_BYTES]


def _ages(kernel: Kernel, bucket: int) -> bytes:
    return b"".join(_age(kernel, attester) for attester in _bucket(kernel, bucket))


def _age(kernel: Kernel, attester: int) -> bytes:
    signed = kernel.get(attester)
    if signed is None:
        return bytes((_UNKNOWN, 0))
    # A sheet from a clock ahead of ours counts as of now; it is told again a step later.
    return bytes((max(0, kernel.now - signed.sheet.step), kernel.digest(attester)[0]))


def _check_ascending(numbers: tuple[int, ...], end: int) -> None:
    is_ascending = all(a < b for a, b in pairwise(numbers))
    if not is_ascending or max(numbers, default=0) >= end:
        raise GossipError(f"numbers are not ascending and below {end}")
