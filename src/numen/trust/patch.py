"""A patch: what happened since a sheet that the other has, under the newer sheet's signature.

From step to step an honest attester's sheet changes by one verdict and a shift, so who has a sheet
of an earlier step can make the newer one from the verdicts in between; the signature, which is over
the whole sheet, says whether it did. A patch has about 80 bytes and four for each verdict, however
many targets the sheet is on.

A patch that does not fit is no lie of who passes it on: the attester may have changed its past, or
the base is another one. The whole sheet is asked for then.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64
from numen.base.crypto import Signature
from numen.trust import history
from numen.trust.attestation import LINES_MAX, Index, Line, Sheet, SignedSheet
from numen.trust.errors import GossipError
from numen.trust.history import NOW, STEPS, History
from numen.trust.roster import MEMBERS_MAX

_VERDICT_BYTES: Final = 4
_VERDICTS_MAX: Final = LINES_MAX


class Patch(msgspec.Struct, frozen=True, array_like=True):
    """The way from one sheet of an attester to a later one.

    Attributes:
        attester: Whose sheets.
        step: Of the later one.
        back: Steps from there to the earlier one, 1 to `STEPS` - 1.
        verdicts: Those in between, four big-endian bytes each: target, steps back (5 bits), and
            whether it was good (1 bit).
        signature: Of the later one.
    """

    attester: Index
    step: U64
    back: Annotated[int, Meta(ge=1, lt=STEPS)]
    verdicts: Annotated[bytes, Meta(max_length=_VERDICT_BYTES * _VERDICTS_MAX)]
    signature: Signature


def patch_of(signed: SignedSheet, base: int) -> Patch | None:
    """The patch from an attester's sheet of an earlier step to this one.

    Args:
        signed: The later sheet.
        base: The earlier one's step; below 0 for none.

    Returns:
        None where there is no base, it is too old, or too much has happened since.
    """
    sheet = signed.sheet
    back = sheet.step - base
    if base < 0 or not 1 <= back < STEPS:
        return None
    verdicts = [
        (line.target << 6 | ago << 1 | is_good).to_bytes(_VERDICT_BYTES, "big")
        for line in sheet.lines
        for ago in range(back)
        for vector, is_good in ((line.good, 1), (line.bad, 0))
        if vector & NOW >> ago
    ]
    if len(verdicts) > _VERDICTS_MAX:
        return None
    return Patch(sheet.attester, sheet.step, back, b"".join(verdicts), signed.signature)


def patched(base: SignedSheet, patch: Patch) -> SignedSheet | None:
    """The later sheet, not checked; None where the base is of another step.

    Raises:
        GossipError: No honest node sends this patch.
    """
    if (base.sheet.attester, base.sheet.step) != (patch.attester, patch.step - patch.back):
        return None
    found = {line.target: history.aged(line.history, patch.back) for line in base.sheet.lines}
    for target, ago, is_good in _read(patch):
        before, bit = found.get(target, History()), NOW >> ago
        good, bad = (bit, 0) if is_good else (0, bit)
        found[target] = History(before.good | good, before.bad | bad)
    lines = tuple(
        Line(target, one.good, one.bad)
        for target, one in sorted(found.items())
        if one.good | one.bad
    )
    if len(lines) > LINES_MAX:
        raise GossipError(f"a patch to {len(lines)} lines where at most {LINES_MAX} are allowed")
    return SignedSheet(Sheet(patch.attester, patch.step, lines), patch.signature)


def _read(patch: Patch) -> list[tuple[int, int, bool]]:
    """Target, steps back and verdict, of each."""
    if len(patch.verdicts) % _VERDICT_BYTES:
        raise GossipError("verdicts of a patch are not of four bytes each")
    words = [
        int.from_bytes(patch.verdicts[at : at + _VERDICT_BYTES], "big")
        for at in range(0, len(patch.verdicts), _VERDICT_BYTES)
    ]
    verdicts = [(word >> 6, word >> 1 & STEPS - 1, bool(word & 1)) for word in words]
    if any(target >= MEMBERS_MAX or ago >= patch.back for target, ago, _ in verdicts):
        raise GossipError("a verdict of a patch is of a stranger, or of the time before its base")
    return verdicts
