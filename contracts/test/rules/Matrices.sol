// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PlainRule} from "./PlainRule.sol";

/// @notice Matrices for tests, all from a seed.
library Matrices {
    uint256 internal constant COORDINATES = 6;

    /// @notice The Gram matrix of vectors that share a direction, with rows that are zero, opposite, copied or long mixed in.
    function random(uint256 seed, uint256 n) internal pure returns (int256[][] memory) {
        int256[][] memory rows = new int256[][](n);
        int256 spread = int256(1 << draw(seed, "spread") % 15);
        for (uint256 i = 0; i < n; ++i) {
            rows[i] = new int256[](COORDINATES);
            uint256 kind = draw(seed, "kind", i) % 12;
            for (uint256 k = 0; k < COORDINATES; ++k) {
                int256 common = int256(draw(seed, "common", k) % 4_000) - 2_000;
                int256 own = int256(draw(seed, "own", i * COORDINATES + k) % uint256(2 * spread)) - spread;
                if (kind == 0) rows[i][k] = 0;
                else if (kind == 1) rows[i][k] = -4 * common;
                else if (kind == 2) rows[i][k] = common;
                else if (kind == 3) rows[i][k] = 30 * own;
                else rows[i][k] = common + own;
            }
        }
        return gramOf(rows);
    }

    /// @notice Any symmetric matrix of 64-bit integers whose diagonal is not negative: mostly no Gram matrix at all.
    function anything(uint256 seed, uint256 n) internal pure returns (int256[][] memory gram) {
        gram = PlainRule.zeros(n);
        uint256 bits = 1 + draw(seed, "bits") % 64;
        for (uint256 i = 0; i < n; ++i) {
            for (uint256 j = i; j < n; ++j) {
                int256 entry = int64(uint64(draw(seed, "entry", i * n + j))) >> (64 - bits);
                if (i == j && entry < 0) entry = -(entry + 1);
                gram[i][j] = entry;
                gram[j][i] = entry;
            }
        }
    }

    function gramOf(int256[][] memory rows) internal pure returns (int256[][] memory gram) {
        gram = PlainRule.zeros(rows.length);
        for (uint256 i = 0; i < rows.length; ++i) {
            for (uint256 j = 0; j < rows.length; ++j) {
                for (uint256 k = 0; k < rows[i].length; ++k) {
                    gram[i][j] += rows[i][k] * rows[j][k];
                }
            }
        }
    }

    function draw(uint256 seed, string memory what) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what)));
    }

    function draw(uint256 seed, string memory what, uint256 index) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what, index)));
    }
}
