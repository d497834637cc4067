// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Pure functions whose calls can be proven from the bytecode. Compiled to provable.solc.hex:
/// solc 0.8.30, optimizer on, 200 runs, runtime code without metadata.
contract Provable {
    function add(uint256 a, uint256 b) external pure returns (uint256) {
        return a + b;
    }

    function mul(uint256 a, uint256 b) external pure returns (uint256) {
        return a * b;
    }

    function gcd(uint256 a, uint256 b) external pure returns (uint256) {
        while (b != 0) (a, b) = (b, a % b);
        return a;
    }

    function isqrt(uint256 x) external pure returns (uint256 root) {
        uint256 next = x / 2 + 1;
        root = x;
        while (next < root) {
            root = next;
            next = (x / next + next) / 2;
        }
    }

    function total(uint256[] calldata values) external pure returns (uint256 sum) {
        for (uint256 i = 0; i < values.length; i++) sum += values[i];
    }

    function dot(uint256[] calldata a, uint256[] calldata b) external pure returns (uint256 sum) {
        require(a.length == b.length, "lengths differ");
        for (uint256 i = 0; i < a.length; i++) sum += a[i] * b[i];
    }

    function largest(uint256[] memory values) external pure returns (uint256 best) {
        for (uint256 i = 0; i < values.length; i++) if (values[i] > best) best = values[i];
    }

    /// Whether a leaf is in the Merkle tree with a root; pairs are hashed in order of size.
    function member(bytes32 root, bytes32 leaf, bytes32[] calldata path)
        external
        pure
        returns (bool)
    {
        for (uint256 i = 0; i < path.length; i++) {
            bytes32 other = path[i];
            (bytes32 left, bytes32 right) = leaf < other ? (leaf, other) : (other, leaf);
            leaf = keccak256(abi.encodePacked(left, right));
        }
        return leaf == root;
    }
}
