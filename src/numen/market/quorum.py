"""Agreement of workers: hidden commitments, and when equal answers are enough.

A commitment is salted, so small answers cannot be guessed from it, and names its worker, so a
copied commitment cannot be opened by the copier. How many equal answers are enough depends on
the reputation of those who gave them: Sarmenta, "Sabotage-tolerance mechanisms for volunteer
computing systems" (CCGrid 2001), in the integer form of iExec's PoCo.
"""

from collections.abc import Iterable, Mapping

import msgspec

from numen.base.codec import digest
from numen.base.crypto import Address, Hash32
from numen.proof.statement import Claim, claim_digest

WEIGHT_MIN = 2
"""Weight of a worker without reputation: its answer halves the doubt."""

WEIGHT_MAX = 2**20
"""Most that one worker's answer weighs, however good its reputation."""

_SCORE_PER_WEIGHT = 3


class Opening(msgspec.Struct, frozen=True, array_like=True):
    """What a commitment is the digest of.

    Attributes:
        task: Id of the task.
        worker: Who commits.
        claim: Digest of the worker's claim.
        salt: 32 bytes that nobody else knows.
    """

    task: Hash32
    worker: Address
    claim: Hash32
    salt: Hash32


def commit(task: bytes, worker: bytes, claim: Claim, salt: bytes) -> bytes:
    """Bind a worker to a claim without showing it; 32 bytes."""
    return digest("numen/commitment/1", Opening(task, worker, claim_digest(claim), salt))


def weight(score: int) -> int:
    """Turn a reputation score into the weight of an answer.

    ``max(score / 3, 3) - 1``: the chance that such a worker is wrong is taken as one in weight.
    """
    return min(max(score // _SCORE_PER_WEIGHT, WEIGHT_MIN + 1) - 1, WEIGHT_MAX)


def group_weights(answers: Mapping[bytes, bytes], scores: Mapping[bytes, int]) -> dict[bytes, int]:
    """Weigh each distinct answer: the product of the weights of those who gave it."""
    groups: dict[bytes, int] = {}
    for worker, claim in answers.items():
        groups[claim] = groups.get(claim, 1) * weight(scores.get(worker, 0))
    return groups


def consensus(
    answers: Mapping[bytes, bytes], scores: Mapping[bytes, int], trust: int
) -> bytes | None:
    """Find the answer that is credible enough.

    With the product ``W`` of the weights of each group, an answer's credibility is
    ``W / (1 + ΣW)``, where the one stands for "all are wrong". It is enough when that
    exceeds ``1 - 1 / trust``.

    Args:
        answers: Digest of the claim of each worker.
        scores: Reputation of each worker; absent is 0.
        trust: Accept a chance of error below ``1 / trust``; from 1.

    Returns:
        The credible claim's digest, or None when no answer is credible enough.

    Cost: linear in the number of answers.
    """
    groups = group_weights(answers, scores)
    if not groups:
        return None
    # Equal weights fall to the smaller digest, so that the order of answers decides nothing;
    # with a trust of two or more, equal weights never pass.
    best = min(groups, key=lambda claim: (-groups[claim], claim))
    total = 1 + sum(groups.values())
    return best if groups[best] * trust > total * (trust - 1) else None


def answers_wanted(
    answers: Mapping[bytes, bytes], scores: Mapping[bytes, int], trust: int, queue: Iterable[bytes]
) -> int:
    """Count how many more workers must be asked before the leading answer can be credible.

    Supposes that all of them agree with the leading answer: the least that can be enough.

    Args:
        answers: As in `consensus`.
        scores: As in `consensus`.
        trust: As in `consensus`.
        queue: Workers that would be asked, in order.

    Returns:
        How many of the queue to ask; all of them if even they cannot be enough.
    """
    imagined = dict(answers)
    leading = _leading(answers, scores)
    count = 0
    for worker in queue:
        if consensus(imagined, scores, trust) is not None:
            break
        imagined[worker] = leading
        count += 1
    return count


def _leading(answers: Mapping[bytes, bytes], scores: Mapping[bytes, int]) -> bytes:
    groups = group_weights(answers, scores)
    return min(groups, key=lambda claim: (-groups[claim], claim), default=bytes(32))
