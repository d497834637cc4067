"""A proof in memory."""

import msgspec

from numen.proof.stark.air import PREPROCESSED, Machine
from numen.proof.stark.errors import MalformedStarkError
from numen.proof.stark.field import Element, Felts
from numen.proof.stark.layout import Layout
from numen.proof.stark.merkle import Opening


class Proof(msgspec.Struct, frozen=True):
    """Everything the prover sends.

    Attributes:
        log_rows: Of each chip's table, None where it is absent.
        roots: Of each tree but the preprocessed one.
        sums: The total of the fractions of each present chip that has interactions.
        values: Opened outside of the domain, shape ``(count, d)``.
        layer_roots: Of each codeword that is folded.
        last: The last polynomial, shape ``(coefficients, d)``.
        nonces: Each shows work, in order.
        openings: Of each tree, the preprocessed one first where there is one.
        layer_openings: Of each codeword that is folded.
    """

    log_rows: tuple[int | None, ...]
    roots: tuple[bytes, ...]
    sums: tuple[Element, ...]
    values: Felts
    layer_roots: tuple[bytes, ...]
    last: Felts
    nonces: tuple[int, ...]
    openings: tuple[Opening, ...]
    layer_openings: tuple[Opening, ...]


def group_root(machine: Machine, layout: Layout, proof: Proof, group: str) -> bytes:
    """The root of a group's columns, to compare between proofs.

    Raises:
        MalformedStarkError: No present chip has columns of the group.
    """
    names = [tree.name for tree in layout.trees if tree.name != PREPROCESSED]
    if group not in machine.groups or group not in names:
        raise MalformedStarkError(group, "no table that is present has columns of this group")
    return proof.roots[names.index(group)]


def nonces_count(layout: Layout) -> int:
    """How many nonces a proof holds."""
    profile = layout.profile
    others = 4 + len(layout.layers) if profile.challenge_grinding else 0
    return others + (1 if profile.query_grinding else 0)
