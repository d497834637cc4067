"""Know a leaf of a Merkle tree without showing which one: the path is private, the root is public."""

from numen import Private, felt
from numen.std.merkle import root_of_path

HEIGHT = 8


def main(
    root: felt,
    leaf: Private[felt],
    siblings: Private[list[felt, HEIGHT]],
    is_right: Private[list[bool, HEIGHT]],
) -> bool:
    return root_of_path(leaf, siblings, is_right) == root
