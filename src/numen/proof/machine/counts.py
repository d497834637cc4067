"""How often each row of the table of pairs is asked for, counted while other tables are made."""

from typing import Any

import numpy as np
import numpy.typing as npt

from numen.proof.machine.chips import pairs


class Counts:
    """How often each number of 16 bits, pair of bytes and conjunction is asked for."""

    def __init__(self) -> None:
        self.words = np.zeros(pairs.ROWS, np.int64)
        self.pairs = np.zeros(pairs.ROWS, np.int64)
        self.ands = np.zeros(pairs.ROWS, np.int64)

    def words_in(self, *columns: npt.NDArray[Any]) -> None:
        for column in columns:
            self.words += np.bincount(column.reshape(-1), minlength=pairs.ROWS)
