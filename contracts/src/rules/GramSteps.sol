// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IWeighingRule} from "../interfaces/IWeighingRule.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The steps that weighing rules are made of (docs/rules.md)
/// @notice A matrix is `n·n` entries, row by row. A set of rows is a mask: bit `i` stands for row `i`.
/// @dev Nothing here overflows, which is why it is unchecked: with `n ≤ 2^5`, entries of 64 bits and factors of at most
/// `2^32`, scaled entries stay below `2^63` in absolute value, those of a mixed matrix below `2^73`, distances below
/// `2^75`, and scores below `2^80`.
/// @dev The assembly loops are equal to plain ones by test: `contracts/test/rules/PlainRule.sol`.
library GramSteps {
    /// @notice One, in Q32.
    uint256 internal constant ONE = 1 << 32;

    /// @notice The matrix behind its upper triangle, whose entries are big-endian 64-bit integers.
    /// @dev Assumes that `gram` has `4·n·(n + 1)` bytes.
    function decode(bytes calldata gram, uint256 n) internal pure returns (int256[] memory matrix) {
        matrix = new int256[](n * n);
        uint256 negative = n;
        assembly ("memory-safe") {
            let from := gram.offset
            let rowBytes := shl(5, n)
            let diagonal := add(matrix, 32)
            for { let row := 0 } lt(row, n) { row := add(row, 1) } {
                if slt(calldataload(from), 0) { negative := row }
                let right := diagonal
                let down := diagonal
                for { let column := row } lt(column, n) { column := add(column, 1) } {
                    let entry := sar(192, calldataload(from))
                    mstore(right, entry)
                    mstore(down, entry)
                    right := add(right, 32)
                    down := add(down, rowBytes)
                    from := add(from, 8)
                }
                diagonal := add(diagonal, add(rowBytes, 32))
            }
        }
        if (negative < n) revert IWeighingRule.NegativeNorm(negative);
    }

    /// @notice `s_i = min(1, √(m / G_ii))` in Q32, rounded down, with `m` the lower median of the diagonal.
    function clipFactors(int256[] memory matrix, uint256 n) internal pure returns (uint256[] memory factors) {
        unchecked {
            factors = new uint256[](n);
            for (uint256 i = 0; i < n; ++i) {
                factors[i] = uint256(matrix[i * (n + 1)]);
            }
            uint256 median = lowerMedian(factors);
            for (uint256 i = 0; i < n; ++i) {
                uint256 squaredNorm = factors[i];
                factors[i] = squaredNorm <= median ? ONE : Math.sqrt((median << 64) / squaredNorm);
            }
        }
    }

    /// @notice Element `(n - 1) / 2` of the sorted values: at most that many are below it, and more are not above it.
    function lowerMedian(uint256[] memory values) internal pure returns (uint256 median) {
        unchecked {
            uint256 middle = (values.length - 1) / 2;
            uint256 below = type(uint256).max;
            uint256 notAbove = 0;
            for (uint256 i = 0; below > middle || middle >= notAbove; ++i) {
                median = values[i];
                (below, notAbove) = (0, 0);
                for (uint256 j = 0; j < values.length; ++j) {
                    if (values[j] < median) ++below;
                    if (values[j] <= median) ++notAbove;
                }
            }
        }
    }

    /// @notice `⌊s_i·s_j·G_ij / 2^64⌋`.
    function scale(int256[] memory matrix, uint256[] memory factors) internal pure returns (int256[] memory scaled) {
        scaled = new int256[](matrix.length);
        assembly ("memory-safe") {
            let from := add(matrix, 32)
            let to := add(scaled, 32)
            let end := add(add(factors, 32), shl(5, mload(factors)))
            for { let row := add(factors, 32) } lt(row, end) { row := add(row, 32) } {
                for { let column := add(factors, 32) } lt(column, end) { column := add(column, 32) } {
                    mstore(to, sar(64, mul(mul(mload(row), mload(column)), mload(from))))
                    from := add(from, 32)
                    to := add(to, 32)
                }
            }
        }
    }

    /// @notice For each row the sum of its squared distances to its `count` nearest others, which `masks` name: those
    /// with the smallest `(distance, index)`.
    /// @custom:reverts WrongHint
    function sumNearest(int256[] memory matrix, uint256 n, uint256[] memory masks, uint256 count, uint256 step)
        internal
        pure
        returns (int256[] memory sums)
    {
        unchecked {
            sums = new int256[](n);
            for (uint256 row = 0; row < n; ++row) {
                bool isNearest;
                (sums[row], isNearest) = _sumNearestOf(row, matrix, n, masks[row], count);
                if (!isNearest) revert IWeighingRule.WrongHint(step, row);
            }
        }
    }

    /// @dev One pass: the set is right if it has `count` others of the row and the last of them comes before the first
    /// that it leaves out. Distance and index are compared as one number.
    function _sumNearestOf(uint256 row, int256[] memory matrix, uint256 n, uint256 mask, uint256 count)
        private
        pure
        returns (int256 sum, bool isNearest)
    {
        int256 last = type(int256).min;
        int256 first = type(int256).max;
        uint256 members = mask;
        assembly ("memory-safe") {
            let stride := shl(5, add(n, 1))
            let diagonal := add(matrix, 32)
            let squaredNorm := mload(add(diagonal, mul(row, stride)))
            let entry := add(diagonal, shl(5, mul(row, n)))
            for { let column := 0 } lt(column, n) { column := add(column, 1) } {
                if xor(column, row) {
                    let distance := sub(add(squaredNorm, mload(diagonal)), shl(1, mload(entry)))
                    let key := or(shl(5, distance), column)
                    switch and(members, 1)
                    case 0 { if slt(key, first) { first := key } }
                    default {
                        if sgt(key, last) { last := key }
                        sum := add(sum, distance)
                        count := sub(count, 1)
                    }
                }
                members := shr(1, members)
                entry := add(entry, 32)
                diagonal := add(diagonal, stride)
            }
        }
        isNearest = last < first && count == 0 && members == 0 && mask >> row & 1 == 0;
    }

    /// @notice Checks that `mask` names the `count` rows with the smallest `(score, index)`.
    /// @custom:reverts WrongHint
    function checkSmallest(int256[] memory scores, uint256 mask, uint256 count, uint256 step) internal pure {
        unchecked {
            int256 last = type(int256).min;
            int256 first = type(int256).max;
            for (uint256 i = 0; i < scores.length; ++i) {
                int256 key = scores[i] << 5 | int256(i);
                if (mask >> i & 1 == 0) {
                    if (key < first) first = key;
                } else {
                    if (key > last) last = key;
                    --count;
                }
            }
            if (last >= first || count != 0 || mask >> scores.length != 0) revert IWeighingRule.WrongHint(step, 0);
        }
    }

    /// @notice The neighbourhoods without the rows that they belong to. Where a row is missing it is put in, so that a
    /// check for its others fails.
    function withoutSelf(uint256[] memory neighbourhoods) internal pure returns (uint256[] memory others) {
        unchecked {
            others = new uint256[](neighbourhoods.length);
            for (uint256 i = 0; i < others.length; ++i) {
                others[i] = neighbourhoods[i] ^ 1 << i;
            }
        }
    }

    /// @notice `H_ij = Σ_{a∈N_i} Σ_{b∈N_j} G_ab`, the Gram matrix of the neighbourhoods' sums.
    /// @dev With `A` the 0/1 matrix of the neighbourhoods it is `A·(A·G)ᵀ`, for `G` is symmetric.
    function mix(int256[] memory matrix, uint256 n, uint256[] memory neighbourhoods)
        internal
        pure
        returns (int256[] memory)
    {
        return _sumRows(_transpose(_sumRows(matrix, n, neighbourhoods), n), n, neighbourhoods);
    }

    /// @notice `w_a = s_a · #{i selected : a ∈ N_i}`, the weights of the rows in the sum of the selected sums.
    function pullBack(uint256[] memory factors, uint256[] memory neighbourhoods, uint256 selected)
        internal
        pure
        returns (uint256[] memory weights)
    {
        unchecked {
            uint256 n = factors.length;
            weights = new uint256[](n);
            for (uint256 a = 0; a < n; ++a) {
                uint256 count = 0;
                for (uint256 i = 0; i < n; ++i) {
                    count += neighbourhoods[i] >> a & selected >> i & 1;
                }
                weights[a] = factors[a] * count;
            }
        }
    }

    /// @dev Row `i` of the result is the sum of the rows in `masks[i]`. All but a few rows are in it: they are what is
    /// subtracted from the sum of all.
    function _sumRows(int256[] memory matrix, uint256 n, uint256[] memory masks)
        private
        pure
        returns (int256[] memory sums)
    {
        sums = new int256[](n * n);
        int256[] memory total = new int256[](n);
        assembly ("memory-safe") {
            let rowBytes := shl(5, n)
            matrix := add(matrix, 32)
            total := add(total, 32)
            for { let offset := 0 } lt(offset, rowBytes) { offset := add(offset, 32) } {
                let sum := 0
                let entry := add(matrix, offset)
                for { let row := 0 } lt(row, n) { row := add(row, 1) } {
                    sum := add(sum, mload(entry))
                    entry := add(entry, rowBytes)
                }
                mstore(add(total, offset), sum)
            }
            let to := add(sums, 32)
            for { let row := 0 } lt(row, n) { row := add(row, 1) } {
                mcopy(to, total, rowBytes)
                masks := add(masks, 32)
                let excluded := not(mload(masks))
                let end := add(to, rowBytes)
                let from := matrix
                for { let other := 0 } lt(other, n) { other := add(other, 1) } {
                    if and(excluded, 1) {
                        let source := from
                        let entry := to
                        for { let end4 := sub(end, 96) } lt(entry, end4) { entry := add(entry, 128) } {
                            mstore(entry, sub(mload(entry), mload(source)))
                            mstore(add(entry, 32), sub(mload(add(entry, 32)), mload(add(source, 32))))
                            mstore(add(entry, 64), sub(mload(add(entry, 64)), mload(add(source, 64))))
                            mstore(add(entry, 96), sub(mload(add(entry, 96)), mload(add(source, 96))))
                            source := add(source, 128)
                        }
                        for {} lt(entry, end) { entry := add(entry, 32) } {
                            mstore(entry, sub(mload(entry), mload(source)))
                            source := add(source, 32)
                        }
                    }
                    excluded := shr(1, excluded)
                    from := add(from, rowBytes)
                }
                to := end
            }
        }
    }

    function _transpose(int256[] memory matrix, uint256 n) private pure returns (int256[] memory transposed) {
        transposed = new int256[](n * n);
        assembly ("memory-safe") {
            let rowBytes := shl(5, n)
            let from := add(matrix, 32)
            let first := add(transposed, 32)
            for { let end := add(first, rowBytes) } lt(first, end) { first := add(first, 32) } {
                let to := first
                for { let entryEnd := add(from, rowBytes) } lt(from, entryEnd) { from := add(from, 32) } {
                    mstore(to, mload(from))
                    to := add(to, rowBytes)
                }
            }
        }
    }
}
