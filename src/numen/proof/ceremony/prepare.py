"""What the second phase needs of the first: the Lagrange polynomials of every domain, at tau.

They are in the exponent of points, so they come from the inverse transform of the powers of tau.
"""

from pathlib import Path

import numpy as np

from numen.kernels import points_ntt
from numen.proof.ceremony import ptau
from numen.proof.ceremony.phase1 import chunks
from numen.proof.ceremony.ptau import Ptau
from numen.proof.ceremony.stream import SectionWriter, copy_section
from numen.proof.errors import CeremonyError
from numen.proof.points import Points


def prepare(source: Path, target: Path) -> None:
    """Add the Lagrange polynomials to a file.

    Args:
        source: A `.ptau` file; polynomials that it has are made again.
        target: Where the prepared file is written.

    Raises:
        CeremonyError: The file is for larger circuits than `ptau.PREPARED_POWER_MAX` allows.
        FormatError: It is not well formed.
        FileError: A file cannot be read or written.

    Cost: ``(4 * power + 4) * 2**power`` multiples of points of G1, a quarter as many of G2. Memory:
    three times the longest transform's points, 64 bytes each.
    """
    with Ptau(source) as file:
        if file.power > ptau.PREPARED_POWER_MAX:
            raise CeremonyError(
                f"a file for circuits of 2**{file.power} rows is too large to be prepared here"
            )
        with SectionWriter(target, "ptau", 1, 11) as writer:
            for number in range(ptau.HEADER, ptau.CONTRIBUTIONS + 1):
                copy_section(file.reader, writer, number)
            for number, lagrange in ptau.LAGRANGE_OF.items():
                _write_polynomials(file, writer, number, lagrange)


def _write_polynomials(file: Ptau, writer: SectionWriter, number: int, lagrange: int) -> None:
    group, logs = ptau.GROUP_OF[number], file.logs(number)
    writer.begin(lagrange, ((2 << logs[-1]) - 1) * 8 * group.columns)
    powers = _powers(file, number, 1 << logs[-1])
    for log in logs:
        values = points_ntt.inverse(group, powers[: 1 << log])
        writer.write(values.astype("<u8", copy=False).tobytes())


def _powers(file: Ptau, number: int, size: int) -> Points:
    """A section's points, followed by infinity where it has too few."""
    group = ptau.GROUP_OF[number]
    out = np.zeros((size, group.columns), np.uint64)
    for start, count in chunks(min(size, file.count(number))):
        out[start : start + count] = file.reader.points(number, group, start, count)
    return out
