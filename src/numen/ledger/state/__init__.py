"""Authenticated state: pages on disk, one root for all of it, versions, openings and diffs."""

from numen.ledger.state.account import Account
from numen.ledger.state.calculus import compose, invert
from numen.ledger.state.diff import Diff
from numen.ledger.state.draft import Draft
from numen.ledger.state.embedded import LmdbKV
from numen.ledger.state.errors import StateError
from numen.ledger.state.kv import KV, MemoryKV
from numen.ledger.state.opening import Opening
from numen.ledger.state.state import State, verify_account, verify_slot

__all__ = [
    "KV",
    "Account",
    "Diff",
    "Draft",
    "LmdbKV",
    "MemoryKV",
    "Opening",
    "State",
    "StateError",
    "compose",
    "invert",
    "verify_account",
    "verify_slot",
]
