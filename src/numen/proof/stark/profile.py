"""Parameters of proofs: what they cost, what they hide, and what they are worth.

`soundness.py` computes the bits; a profile claims none by itself.
"""

import hashlib
from typing import Final

import msgspec

from numen.proof.stark.errors import StatementError

QUERIES_MAX: Final = 1000
"""Of any profile."""


class Profile(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """The parameters of a proof.

    Attributes:
        name: As people choose it.
        degree: Of the extension that challenges are drawn from, 4 or 6.
        log_blowup: The rate of the code is ``2**-log_blowup``, but for what hiding adds.
        queries: Places at which the codewords are opened.
        query_grinding: Bits of work before the queries are drawn.
        challenge_grinding: Bits of work before every other challenge.
        log_rows_min: A shorter table is encoded as if it had ``2**log_rows_min`` rows.
        log_final: Folding ends at polynomials of about ``2**log_final`` coefficients.
        mask: Random coefficients that are added to each secret polynomial; 0 hides nothing.
            `soundness.hides` says how many are enough.

    Raises:
        StatementError: They contradict each other.
    """

    name: str
    degree: int
    log_blowup: int
    queries: int
    query_grinding: int
    challenge_grinding: int
    log_rows_min: int
    log_final: int
    mask: int = 0

    def __post_init__(self) -> None:
        """See that codes are long enough for what they hold, and numbers are in range."""
        fits = (
            1 <= self.log_blowup <= 8
            and 1 <= self.queries <= QUERIES_MAX
            and 0 <= self.query_grinding <= 64
            and 0 <= self.challenge_grinding <= 64
            and 0 <= self.log_final <= self.log_rows_min <= 20
            and self.mask >= 0
            and 3 * self.mask <= 2 << self.log_rows_min
        )
        if not fits or (self.mask and self.log_blowup < 2):
            raise StatementError(f"the parameters of profile {self.name!r} contradict each other")

    @property
    def is_hiding(self) -> bool:
        """Whether proofs show nothing but the statement; else they are about integrity only."""
        return self.mask > 0

    @property
    def digest(self) -> bytes:
        """32 bytes that no other parameters have."""
        return hashlib.sha256(b"numen/stark/profile/1" + msgspec.msgpack.encode(self)).digest()

    def log_height(self, log_rows: int) -> int:
        """The height as which a table is encoded."""
        return max(log_rows, self.log_rows_min)

    def bound(self, log_height: int) -> int:
        """Coefficients of the polynomials of tables of a height: the dimension of their code."""
        return (1 << log_height) + 2 * self.mask


FOLD_LOG: Final = 3
"""At most ``2**FOLD_LOG`` values are folded into one."""

SALT_WIDTH: Final = 4
"""Random elements beside each row of a hiding tree: 123 bits."""

# fmt: off
PROFILES: Final = {
    profile.name: profile for profile in (
        #        name         degree blowup queries grinding     rows_min final  mask
        Profile("fast",            4,     1,     88,      16, 16,       6,    6),
        Profile("proven",          6,     3,     54,      20,  0,       8,    8),
        Profile("fast-zk",         4,     2,     47,      16, 16,      12,    8, 256),
        Profile("proven-zk",       6,     3,     57,      20,  0,      12,    8, 256),
    )
}
# fmt: on
"""Every profile by its name."""


def profile_named(name: str) -> Profile:
    """The profile of a name.

    Raises:
        StatementError: There is none.
    """
    if name not in PROFILES:
        raise StatementError(f"no profile is called {name!r}, but {', '.join(PROFILES)}")
    return PROFILES[name]
