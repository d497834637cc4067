"""Private state: cells that disks, peers and strangers see and cannot read."""

from numen.ledger.sealed.cell import seal, unseal
from numen.ledger.sealed.errors import SealedError
from numen.ledger.sealed.keys import EpochKeys
from numen.ledger.sealed.shares import Share, deal, join
from numen.ledger.sealed.vault import Vault
from numen.ledger.sealed.view import SignedViewCall, ViewCall, answer, ask, read

__all__ = [
    "EpochKeys",
    "SealedError",
    "Share",
    "SignedViewCall",
    "Vault",
    "ViewCall",
    "answer",
    "ask",
    "deal",
    "join",
    "read",
    "seal",
    "unseal",
]
