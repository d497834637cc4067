"""Preprocessed columns: the tables that are part of a machine, committed once for many proofs.

Whoever verifies can make the commitment again, without native code and without the prover.
"""

from collections.abc import Mapping

import msgspec
import numpy as np

from numen.proof.stark.air import Machine
from numen.proof.stark.checker import tables_of
from numen.proof.stark.commit import Committed, Randomness, commit
from numen.proof.stark.errors import TraceError
from numen.proof.stark.field import Felts
from numen.proof.stark.layout import Layout
from numen.proof.stark.portable import PORTABLE, Kernels
from numen.proof.stark.profile import Profile


class Fixed(msgspec.Struct, frozen=True):
    """The preprocessed columns of a machine, committed once for many proofs.

    Attributes:
        tables: By chip.
        committed: Their tree, or None where the machine has none.
    """

    tables: dict[str, Felts]
    committed: Committed | None

    @property
    def root(self) -> bytes | None:
        """What verifiers compare with."""
        return self.committed.root if self.committed else None


def preprocess(
    machine: Machine,
    tables: Mapping[str, Felts],
    profile: Profile,
    kernels: Kernels = PORTABLE,
) -> Fixed:
    """Commit to the preprocessed columns of a machine.

    Raises:
        TraceError: A table has not the shape of its chip.
    """
    rows: list[int | None] = []
    for chip in machine.chips:
        empty = np.zeros((len(tables.get(chip.name, ())), chip.width), dtype=np.uint32)
        _, fixed = tables_of(chip, {chip.name: empty}, tables)
        if chip.preprocessed and not len(fixed):
            raise TraceError(chip.name, "it has preprocessed columns, but no rows of them")
        rows.append(len(fixed).bit_length() - 1 if chip.preprocessed else None)
    layout = Layout(machine, profile, tuple(rows))
    if not layout.present:
        return Fixed({}, None)
    tree = layout.trees[0]
    names = [machine.chips[matrix.chip].name for matrix in tree.matrices]
    codewords = [
        kernels.extend(tables[name], matrix.log_height + profile.log_blowup, None)
        for name, matrix in zip(names, tree.matrices, strict=True)
    ]
    kept = {name: tables[name] for name in names}
    return Fixed(kept, commit(tree, codewords, Randomness(b""), kernels))
