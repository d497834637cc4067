"""Points of the twist that are not of G2: what a careless verifier would take."""

from numen.proof.bn254 import FQ2, G2, Q, R, fq2_multiply

COFACTOR = 2 * Q - R
"""The twist has this many times `R` points. It is 10069 * 5864401 * 1875725156269 * ..."""


def _square_root(a):
    """A square root in Fq2, or None: through the norm, for Q = 3 modulo 4."""
    norm = (a[0] * a[0] + a[1] * a[1]) % Q
    n = pow(norm, (Q + 1) // 4, Q)
    for sign in (n, -n):
        half = (a[0] + sign) * pow(2, -1, Q) % Q
        x = pow(half, (Q + 1) // 4, Q)
        if x and x * x % Q == half:
            root = (x, a[1] * pow(2 * x, -1, Q) % Q)
            if fq2_multiply(root, root) == a:
                return root
    return None


def twist_points():
    """Points of the twist at small x; none of them is in the subgroup but by miracle."""
    for x0 in range(1, 30):
        x = (x0, 1)
        y = _square_root(FQ2.add(fq2_multiply(x, fq2_multiply(x, x)), G2.b))
        if y:
            yield x, y
