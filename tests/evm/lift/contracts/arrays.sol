// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Functions that take memory for arrays whose length is computed.
contract Arrays {
    function primes(uint256 n) external pure returns (uint256 count) {
        bool[] memory composite = new bool[](n);
        for (uint256 i = 2; i < n; i++) {
            if (composite[i]) continue;
            count++;
            for (uint256 j = i * i; j < n; j += i) composite[j] = true;
        }
    }

    function rows(uint256 n, uint256 k) external pure returns (uint256) {
        uint256[] memory row = new uint256[](1);
        row[0] = 1;
        for (uint256 i = 1; i <= n; i++) {
            uint256[] memory next = new uint256[](i + 1);
            next[0] = 1;
            for (uint256 j = 1; j < i; j++) next[j] = row[j - 1] + row[j];
            next[i] = 1;
            row = next;
        }
        return row[k];
    }
}
