// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Pure functions of many shapes, for the tests of the lifter.
contract Pure {
    function add(uint256 a, uint256 b) external pure returns (uint256) {
        return a + b;
    }

    function mulChecked(uint256 a, uint256 b) external pure returns (uint256) {
        return a * b;
    }

    function ratio(uint256 a, uint256 b) external pure returns (uint256 quotient, uint256 rest) {
        return (a / b, a % b);
    }

    function gcd(uint256 a, uint256 b) public pure returns (uint256) {
        for (uint256 i = 0; i < 400 && b != 0; i++) {
            (a, b) = (b, a % b);
        }
        return a;
    }

    function isqrt(uint256 x) external pure returns (uint256 root) {
        if (x == 0) return 0;
        uint256 z = x / 2 + 1;
        root = x;
        while (z < root) {
            root = z;
            z = (x / z + z) / 2;
        }
    }

    function fold(uint256[8] calldata path, uint256 leaf, uint256 index) external pure returns (uint256) {
        uint256 node = leaf;
        for (uint256 i = 0; i < 8; i++) {
            unchecked {
                if ((index >> i) & 1 == 1) node = mix(path[i], node);
                else node = mix(node, path[i]);
            }
        }
        return node;
    }

    function mix(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            uint256 x = a * 0x9e3779b97f4a7c15f39cc0605cedc8341082276bf3a27251f86c6a11d0c18e95 + b;
            return (x ^ (x >> 97)) * 3 + (x << 41);
        }
    }

    function limits(int256 a, int256 b, int256 c) external pure returns (int256 low, int256 high, int256 size) {
        low = least(a, least(b, c));
        high = a > b ? (a > c ? a : c) : (b > c ? b : c);
        size = a < 0 ? -a : a;
    }

    function least(int256 a, int256 b) internal pure returns (int256) {
        return a < b ? a : b;
    }

    function pick(bool which, uint128 a, uint64 b) external pure returns (uint256) {
        return which ? uint256(a) << 8 : uint256(b) >> 3;
    }

    function bits(uint256 x) external pure returns (uint256 count, uint256 top, uint256 swapped) {
        unchecked {
            uint256 y = x;
            while (y != 0) {
                y &= y - 1;
                count++;
            }
            for (uint256 s = 128; s != 0; s >>= 1) {
                if (x >> (top + s) != 0) top += s;
            }
            for (uint256 i = 0; i < 32; i++) {
                swapped |= uint256(uint8(x >> (8 * i))) << (8 * (31 - i));
            }
        }
    }

    function collatz(uint256 n, uint256 most) external pure returns (uint256 steps) {
        require(n != 0, "n is zero");
        while (n != 1 && steps < most) {
            n = n & 1 == 0 ? n >> 1 : 3 * n + 1;
            ++steps;
        }
    }

    function power(uint256 base, uint256 exponent, uint256 modulus) external pure returns (uint256 wrapped, uint256 reduced) {
        unchecked {
            wrapped = base ** exponent;
        }
        reduced = 1;
        base = base % modulus;
        for (uint256 i = 0; i < 16; i++) {
            if ((exponent >> i) & 1 != 0) reduced = mulmod(reduced, base, modulus);
            base = mulmod(base, base, modulus);
        }
    }

    function sorted(uint256[6] memory values) external pure returns (uint256[6] memory) {
        for (uint256 i = 1; i < 6; i++) {
            uint256 j = i;
            while (j > 0 && values[j - 1] > values[j]) {
                (values[j - 1], values[j]) = (values[j], values[j - 1]);
                j--;
            }
        }
        return values;
    }

    function at(uint256[5] calldata values, uint256 index) external pure returns (uint256) {
        return values[index];
    }

    struct Point { int256 x; int256 y; }

    function turn(Point[2] calldata points) external pure returns (int256) {
        return points[0].x * points[1].y - points[0].y * points[1].x;
    }

    function signed(int256 a, int256 b, int8 k) external pure returns (int256 quotient, int256 rest, int256 shifted) {
        quotient = a / b;
        rest = a % b;
        shifted = int256(k) + (a >> 7);
    }

    function digest(uint256 a) external pure returns (bytes32) {
        return keccak256(abi.encode(a));
    }

    uint256 private kept;

    function impure(uint256 a) external view returns (uint256) {
        return a + kept;
    }

    error TooLarge(uint256 value);

    function guarded(uint256 a) external pure returns (uint256) {
        if (a > 1000) revert TooLarge(a);
        assert(a != 999);
        return a * a;
    }

    function nothing(uint256 a) external pure {
        require(a < 10);
    }

    function sieve(uint256 n) external pure returns (uint256 count) {
        uint256[] memory marks = new uint256[](64);
        for (uint256 i = 2; i < 64; i++) {
            if (marks[i] == 0) {
                if (i <= n) count++;
                for (uint256 j = i * i; j < 64; j += i) marks[j] = 1;
            }
        }
    }
}
