// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IWeighingRule} from "../interfaces/IWeighingRule.sol";
import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The steps that weighing rules are made of (docs/rules.md)
/// @notice A matrix is `n·n` entries, row by row. A set of rows is a mask: bit `i` stands for row `i`.
/// @dev Nothing here overflows, which is why it is unchecked: with `n ≤ 2^5`, entries of 64 bits and factors of at most
/// `2^32`, scaled entries are at most `2^63` in absolute value, those of a mixed matrix `2^73`, distances `2^75`, and
/// scores `2^80`.
/// @dev The assembly loops are equal to plain ones by test: `contracts/test/rules/PlainRule.sol`.
library GramSteps {
    /// @notice One, in Q32.
    uint256 internal constant ONE = 1 << 32;

    /// @dev An index is less than `MAX_ROWS = 2^5`.
    uint256 private constant INDEX_BITS = 5;

    /// @dev Comes after every column: a row in its own set is then never right, and never counts where it is left out.
    int256 private constant FARTHEST = 1 << 200;

    /// @dev A mixed matrix's entries fit a lane; a word holds three.
    uint256 private constant LANES = 3;
    uint256 private constant LANE_BITS = 80;

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
            uint256[] memory sorted = new uint256[](n);
            for (uint256 i = 0; i < n; ++i) {
                sorted[i] = uint256(matrix[i * (n + 1)]);
            }
            Arrays.sort(sorted);
            uint256 median = sorted[(n - 1) / 2];
            factors = new uint256[](n);
            for (uint256 i = 0; i < n; ++i) {
                uint256 squaredNorm = uint256(matrix[i * (n + 1)]);
                factors[i] = squaredNorm <= median ? ONE : Math.sqrt((median << 64) / squaredNorm);
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
            int256[] memory order = _columnOrder(matrix, n);
            for (uint256 row = 0; row < n; ++row) {
                int256 ownOrder = order[row];
                order[row] = FARTHEST;
                (int256 last, int256 first, int256 sum) = _split(matrix, n, row, masks[row], order);
                order[row] = ownOrder;
                bool isNearest = last < first && _size(masks[row]) == count && masks[row] >> n == 0;
                if (!isNearest) revert IWeighingRule.WrongHint(step, row);
                sums[row] = sum + int256(count) * matrix[row * (n + 1)];
            }
        }
    }

    /// @dev `(G_jj, j)` as one number. Less twice `G_ij` it orders the columns of row `i` by `(distance, index)`: only
    /// `G_ii`, which all distances from `i` have in common, is missing.
    function _columnOrder(int256[] memory matrix, uint256 n) private pure returns (int256[] memory order) {
        unchecked {
            order = new int256[](n);
            for (uint256 j = 0; j < n; ++j) {
                order[j] = matrix[j * (n + 1)] << INDEX_BITS | int256(j);
            }
        }
    }

    /// @dev The last column in `mask`, the first one outside, and the sum of `G_jj - 2·G_ij` over `mask`.
    function _split(int256[] memory matrix, uint256 n, uint256 row, uint256 mask, int256[] memory order)
        private
        pure
        returns (int256 last, int256 first, int256 sum)
    {
        last = type(int256).min;
        first = type(int256).max;
        assembly ("memory-safe") {
            let toEntry := sub(add(matrix, shl(5, mul(row, n))), order)
            let column := add(order, 32)
            for { let end := add(column, shl(5, n)) } lt(column, end) { column := add(column, 32) } {
                let key := sub(mload(column), shl(add(INDEX_BITS, 1), mload(add(column, toEntry))))
                switch and(mask, 1)
                case 0 { if slt(key, first) { first := key } }
                default {
                    if sgt(key, last) { last := key }
                    sum := add(sum, sar(INDEX_BITS, key))
                }
                mask := shr(1, mask)
            }
        }
    }

    /// @dev Number of rows in a set: bits are added up in pairs, then fours, then bytes, then all.
    function _size(uint256 mask) private pure returns (uint256) {
        unchecked {
            mask -= mask >> 1 & 0x55555555;
            mask = (mask & 0x33333333) + (mask >> 2 & 0x33333333);
            mask = mask + (mask >> 4) & 0x0f0f0f0f;
            return mask * 0x01010101 >> 24 & 0xff;
        }
    }

    /// @notice Checks that `mask` names the `count` rows with the smallest `(score, index)`.
    /// @custom:reverts WrongHint
    function checkSmallest(int256[] memory scores, uint256 mask, uint256 count, uint256 step) internal pure {
        unchecked {
            int256 last = type(int256).min;
            int256 first = type(int256).max;
            for (uint256 i = 0; i < scores.length; ++i) {
                int256 key = scores[i] << INDEX_BITS | int256(i);
                if (mask >> i & 1 == 0) {
                    if (key < first) first = key;
                } else {
                    if (key > last) last = key;
                }
            }
            bool isSmallest = last < first && _size(mask) == count && mask >> scores.length == 0;
            if (!isSmallest) revert IWeighingRule.WrongHint(step, 0);
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
    /// @dev Assumes that no mask has a bit at `n` or above, as `sumNearest` has checked.
    /// @dev With `A` the 0/1 matrix of the neighbourhoods, `M ↦ (A·M)ᵀ` done twice gives `A·G·Aᵀ`, for `G` is symmetric.
    function mix(int256[] memory matrix, uint256 n, uint256[] memory neighbourhoods)
        internal
        pure
        returns (int256[] memory)
    {
        uint256 width = (n + 8) / 9 * 3; // words in a packed row, in threes so that loops may take three at a time
        matrix = _unpackTransposed(_sumRows(_pack(matrix, n, width), n, width, neighbourhoods), n, width);
        return _unpackTransposed(_sumRows(_pack(matrix, n, width), n, width, neighbourhoods), n, width);
    }

    /// @notice `w_a = s_a · #{i selected : a ∈ N_i}`, the weights of the rows in the sum of the selected sums.
    function pullBack(uint256[] memory factors, uint256[] memory neighbourhoods, uint256 selected)
        internal
        pure
        returns (uint256[] memory weights)
    {
        uint256 n = factors.length;
        weights = new uint256[](n);
        assembly ("memory-safe") {
            let end := add(add(neighbourhoods, 32), shl(5, n))
            for { let row := 0 } lt(row, n) { row := add(row, 1) } {
                let count := 0
                let left := selected
                for { let set := add(neighbourhoods, 32) } lt(set, end) { set := add(set, 32) } {
                    count := add(count, and(and(left, 1), shr(row, mload(set))))
                    left := shr(1, left)
                }
                let offset := add(32, shl(5, row))
                mstore(add(weights, offset), mul(count, mload(add(factors, offset))))
            }
        }
    }

    /// @dev Three columns to a word, each shifted to its lane and added: sums of words are then words of sums. The last
    /// word of a row may reach into what follows; that lands in lanes above those that are read again.
    function _pack(int256[] memory matrix, uint256 n, uint256 width) private pure returns (int256[] memory packed) {
        packed = new int256[](n * width);
        assembly ("memory-safe") {
            let from := add(matrix, 32)
            let to := add(packed, 32)
            for { let end := add(from, shl(5, mul(n, n))) } lt(from, end) { from := add(from, shl(5, n)) } {
                let entry := from
                for { let rowEnd := add(to, shl(5, width)) } lt(to, rowEnd) { to := add(to, 32) } {
                    let middle := shl(LANE_BITS, mload(add(entry, 32)))
                    let high := shl(mul(2, LANE_BITS), mload(add(entry, 64)))
                    mstore(to, add(mload(entry), add(middle, high)))
                    entry := add(entry, 96)
                }
            }
        }
    }

    /// @dev Takes the lanes apart, the lowest first: where it is negative it has borrowed from the next. Word `k` of row
    /// `i` goes to column `i` of the rows from `3k` on; the matrix has spare rows for lanes that stand for no column.
    function _unpackTransposed(int256[] memory packed, uint256 n, uint256 width)
        private
        pure
        returns (int256[] memory matrix)
    {
        matrix = new int256[](LANES * width * n);
        assembly ("memory-safe") {
            let from := add(packed, 32)
            let first := add(matrix, 32)
            let rowBytes := shl(5, n)
            for { let end := add(first, rowBytes) } lt(first, end) { first := add(first, 32) } {
                let to := first
                for { let rowEnd := add(from, shl(5, width)) } lt(from, rowEnd) { from := add(from, 32) } {
                    let word := mload(from)
                    let low := signextend(9, word)
                    mstore(to, low)
                    to := add(to, rowBytes)
                    word := sar(LANE_BITS, sub(word, low))
                    low := signextend(9, word)
                    mstore(to, low)
                    to := add(to, rowBytes)
                    mstore(to, sar(LANE_BITS, sub(word, low)))
                    to := add(to, rowBytes)
                }
            }
        }
    }

    /// @dev Row `i` of the result is the sum of the rows in `masks[i]`. Few rows are not in it: they are what is
    /// subtracted from the sum of all.
    function _sumRows(int256[] memory packed, uint256 n, uint256 width, uint256[] memory masks)
        private
        pure
        returns (int256[] memory sums)
    {
        sums = new int256[](n * width);
        int256[] memory total = new int256[](width);
        assembly ("memory-safe") {
            let rowBytes := shl(5, width)
            let first := add(packed, 32)
            total := add(total, 32)
            for { let offset := 0 } lt(offset, rowBytes) { offset := add(offset, 32) } {
                let sum := 0
                let entry := add(first, offset)
                for { let end := add(entry, mul(n, rowBytes)) } lt(entry, end) { entry := add(entry, rowBytes) } {
                    sum := add(sum, mload(entry))
                }
                mstore(add(total, offset), sum)
            }
            let to := add(sums, 32)
            for { let end := add(to, mul(n, rowBytes)) } lt(to, end) { to := add(to, rowBytes) } {
                mcopy(to, total, rowBytes)
                masks := add(masks, 32)
                let from := first
                for { let excluded := xor(mload(masks), sub(shl(n, 1), 1)) } excluded { excluded := shr(1, excluded) } {
                    if and(excluded, 1) {
                        let entry := from
                        let fromTo := sub(to, from)
                        for { let rowEnd := add(from, rowBytes) } lt(entry, rowEnd) { entry := add(entry, 96) } {
                            let sum := add(entry, fromTo)
                            mstore(sum, sub(mload(sum), mload(entry)))
                            mstore(add(sum, 32), sub(mload(add(sum, 32)), mload(add(entry, 32))))
                            mstore(add(sum, 64), sub(mload(add(sum, 64)), mload(add(entry, 64))))
                        }
                    }
                    from := add(from, rowBytes)
                }
            }
        }
    }
}
