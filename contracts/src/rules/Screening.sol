// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Screening (docs/rules.md): rows that pull against the others are left out
/// @dev Nothing here overflows: with entries of 64 bits a length is below `2^64` in Q32, a shifted entry below `2^160`, a
/// support at most `2^32` and a score `2^37` in absolute value.
/// @dev The assembly loop is equal to a plain one by test: `contracts/test/rules/PlainRule.sol`.
library Screening {
    /// @dev One, in Q32.
    uint256 private constant ONE = 1 << 32;

    /// @dev A row is left out where the mean support of the others is `−1/8` or less.
    int256 private constant TOLERANCE = 8;

    /// @notice Leaves out, up to `f` times, the row with the smallest `(score, index)`, as long as the others'
    /// mean support is clearly negative. A row's score is its support by all rows that are left.
    /// @return kept The rows that go on, as a mask.
    /// @return removed How many do not.
    function screen(int256[] memory matrix, uint256 n, uint256 f)
        internal
        pure
        returns (uint256 kept, uint256 removed)
    {
        unchecked {
            kept = (1 << n) - 1;
            uint256[] memory lengths = new uint256[](n);
            for (uint256 i = 0; i < n; ++i) {
                lengths[i] = Math.sqrt(uint256(matrix[i * (n + 1)]) << 64);
            }
            int256[] memory scores = _scores(matrix, lengths);
            for (; removed < f; ++removed) {
                (uint256 row, int256 score) = _least(scores, kept);
                if (TOLERANCE * score > -int256(ONE * (n - removed - 1))) break;
                kept ^= 1 << row;
                for (uint256 i = 0; i < n; ++i) {
                    if (kept >> i & 1 == 1) scores[i] -= _support(matrix[row * n + i], lengths[row] * lengths[i]);
                }
            }
        }
    }

    /// @notice The matrix of the kept rows.
    function keep(int256[] memory matrix, uint256 n, uint256 kept, uint256 removed)
        internal
        pure
        returns (int256[] memory rest)
    {
        unchecked {
            rest = new int256[]((n - removed) * (n - removed));
            uint256 at = 0;
            for (uint256 i = 0; i < n; ++i) {
                if (kept >> i & 1 == 0) continue;
                for (uint256 j = 0; j < n; ++j) {
                    if (kept >> j & 1 == 1) rest[at++] = matrix[i * n + j];
                }
            }
        }
    }

    /// @notice The weights of the kept rows as weights of all `n`: 0 for the others.
    function spread(uint256[] memory weights, uint256 n, uint256 kept) internal pure returns (uint256[] memory all) {
        unchecked {
            all = new uint256[](n);
            uint256 at = 0;
            for (uint256 i = 0; i < n; ++i) {
                if (kept >> i & 1 == 1) all[i] = weights[at++];
            }
        }
    }

    function _least(int256[] memory scores, uint256 kept) private pure returns (uint256 row, int256 least) {
        least = type(int256).max;
        for (uint256 i = 0; i < scores.length; ++i) {
            if (kept >> i & 1 == 1 && scores[i] < least) (row, least) = (i, scores[i]);
        }
    }

    /// @dev `c − c²` for a positive cosine, else the cosine. 0 if either length is.
    function _support(int256 inner, uint256 lengths) private pure returns (int256) {
        if (lengths == 0) return 0;
        uint256 size = uint256(inner < 0 ? -inner : inner);
        uint256 cosine = Math.min((size << 96) / lengths, ONE);
        return inner < 0 ? -int256(cosine) : int256(cosine - (cosine * cosine >> 32));
    }

    /// @dev For each row the sum of its supports by all others.
    function _scores(int256[] memory matrix, uint256[] memory lengths) private pure returns (int256[] memory scores) {
        scores = new int256[](lengths.length);
        assembly ("memory-safe") {
            let n := mload(lengths)
            let toLength := sub(lengths, scores)
            let diagonal := add(matrix, 32)
            let score := add(scores, 32)
            for { let end := add(score, shl(5, n)) } lt(score, end) { score := add(score, 32) } {
                let entry := diagonal
                let length := mload(add(score, toLength))
                let sum := mload(score)
                for { let other := add(score, 32) } lt(other, end) { other := add(other, 32) } {
                    entry := add(entry, 32)
                    let inner := mload(entry)
                    let sign := sar(255, inner) // −1 if negative, else 0
                    // Division by zero gives zero, which is what rows of no length are to have.
                    let support := div(shl(96, sub(xor(inner, sign), sign)), mul(length, mload(add(other, toLength))))
                    if gt(support, ONE) { support := ONE }
                    switch sign
                    case 0 { support := sub(support, shr(32, mul(support, support))) }
                    default { support := sub(0, support) }
                    sum := add(sum, support)
                    mstore(other, add(mload(other), support))
                }
                mstore(score, sum)
                diagonal := add(diagonal, shl(5, add(n, 1)))
            }
        }
    }
}
