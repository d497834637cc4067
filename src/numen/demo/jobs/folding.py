# How does a protein fold? The HP model on the square lattice: of a chain of hydrophobic (H) and polar
# residues, find the self-avoiding walk with the most contacts between H residues that are not
# neighbours in the chain. The chain is the benchmark 20-mer HPHPPHHPHPPHPHHPPHPH of Unger and Moult
# (1993), whose best energy is -9, that is 9 contacts. The search is simulated annealing: turn the rest of
# the chain at one residue, keep the turn if it gains, or with the odds of its temperature if it loses.
from dataclasses import dataclass

from numen import u64

LENGTH = 20
HYDROPHOBIC: list[u64, 20] = [1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1]
MIDDLE = 2080
STEP: list[u64, 4] = [1, 64, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFC0]

# exp(-loss / temperature) * 2**32, for losses 0 to 9; temperatures 1.00 down to 0.30.
TEMPERATURES = 8
ODDS: list[list[u64, 10], 8] = [
    [4294967296, 1580030168, 581260615, 213833830, 78665070, 28939262, 10646159, 3916503, 1440801, 530041],
    [4294967296, 1324418311, 408404474, 125937714, 38834804, 11975301, 3692765, 1138720, 351141, 108279],
    [4294967296, 1070959581, 267046137, 66588544, 16604000, 4140244, 1032379, 257425, 64189, 16005],
    [4294967296, 811214537, 153218634, 28939262, 5465920, 1032379, 194991, 36829, 6956, 1313],
    [4294967296, 581260615, 78665070, 10646159, 1440801, 194991, 26389, 3571, 483, 65],
    [4294967296, 397123310, 36719004, 3395130, 313922, 29026, 2683, 248, 22, 2],
    [4294967296, 246671221, 14166974, 813646, 46729, 2683, 154, 8, 0, 0],
    [4294967296, 153218634, 5465920, 194991, 6956, 248, 8, 0, 0, 0],
]


@dataclass
class Fold:
    contacts: u64
    turns: list[u64, 20]


def random(state: u64) -> u64:
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state


def contacts(turns: list[u64, 20], grid: list[u64, 4096], stamp: u64) -> u64:
    """Contacts of the walk plus one, or 0 where it crosses itself. A cell holds its stamp and residue."""
    at: u64 = MIDDLE
    heading: u64 = 0
    found: u64 = 1
    for i in range(LENGTH):
        if grid[at] >> 5 == stamp:
            return 0
        grid[at] = (stamp << 5) | i
        if HYDROPHOBIC[i] == 1:
            for d in range(4):
                cell = grid[wrapping_add(at, STEP[d])]
                if cell >> 5 == stamp:
                    other = cell & 31
                    if other + 1 < i and HYDROPHOBIC[other] == 1:
                        found += 1
        heading = (heading + turns[i]) & 3
        at = wrapping_add(at, STEP[heading])
    return found


def main(seed: u64, steps: u64) -> Fold:
    assert seed != 0, "a seed is not zero"
    grid: list[u64, 4096] = [0] * 4096
    turns: list[u64, 20] = [0] * 20
    best: list[u64, 20] = [0] * 20
    state = seed
    score: u64 = 1
    best_score: u64 = 1
    for step in range(steps):
        state = random(state)
        i = 1 + (state >> 33) % 18
        before = turns[i]
        turns[i] = (before + 1 + 2 * ((state >> 20) & 1)) & 3 if before == 0 else 0
        trial = contacts(turns, grid, step + 1)
        state = random(state)
        loss = score - min(score, trial)
        if trial > 0 and (state >> 32) < ODDS[step * TEMPERATURES // steps][loss]:
            score = trial
        else:
            turns[i] = before
        if score > best_score:
            best_score = score
            for j in range(LENGTH):
                best[j] = turns[j]
    return Fold(best_score - 1, best.copy())
