// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IWeighingRule} from "../interfaces/IWeighingRule.sol";
import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The steps that weighing rules are made of (docs/rules.md)
/// @notice A matrix is `n·n` entries, row by row. A set of rows is a mask: bit `i` stands for row `i`.
/// @notice A packed matrix has three columns to a word, each in its lane: sums of words are then words of sums. A lane
/// that is negative has borrowed from the next. Lanes that stand for no column hold anything, always above those that do.
/// @dev Nothing here overflows, which is why it is unchecked: with `n ≤ 2^5`, entries of 64 bits and factors of at most
/// `2^32`, scaled entries are at most `2^63` in absolute value, those of a mixed matrix `2^73`, distances `2^75`, and
/// scores `2^80`.
/// @dev The assembly loops are equal to plain ones by test: `contracts/test/rules/PlainRule.sol`.
library GramSteps {
    /// @notice One, in Q32.
    uint256 internal constant ONE = 1 << 32;

    /// @dev An index is less than `MAX_ROWS = 2^5`.
    uint256 private constant INDEX_BITS = 5;

    /// @dev A key has twice an entry, above an index.
    uint256 private constant KEY_SHIFT = 6;

    uint256 private constant LANES = 3;
    uint256 private constant LANE_BITS = 85;
    uint256 private constant TOP_BIT = 84;

    /// @dev The lowest bit of each lane, and of each lane the highest.
    uint256 private constant UNITS = 1 | 1 << 85 | 1 << 170;
    uint256 private constant TOPS = 1 << 84 | 1 << 169 | 1 << 254;

    /// @dev Times a mask, and then only the units: its three lowest bits, one to a lane.
    uint256 private constant SPREAD = 1 | 1 << 84 | 1 << 168;
    uint256 private constant SPREAD_TO_TOPS = 1 << 84 | 1 << 168 | 1 << 252;

    uint256 private constant DE_BRUIJN = 0x077cb531;
    uint256 private constant DE_BRUIJN_INDICES = 0x00011c021d0e18031e16140f191104081f1b0d17151310071a0c12060b050a09;

    /// @dev Makes a key positive: one is less than `2^80` in absolute value. The sum of eleven still fits a lane.
    uint256 private constant BIAS = 1 << 80;
    uint256 private constant KEY = (1 << 82) - 1;
    uint256 private constant WITHOUT_INDICES = ((1 << 82) - (1 << 5)) * (1 | 1 << 85 | 1 << 170);

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

    /// @notice The matrix of all rows but the last.
    function withoutLast(int256[] memory matrix, uint256 n) internal pure returns (int256[] memory rest) {
        rest = new int256[]((n - 1) * (n - 1));
        assembly ("memory-safe") {
            let rowBytes := shl(5, sub(n, 1))
            let from := add(matrix, 32)
            let to := add(rest, 32)
            for { let end := add(to, mul(rowBytes, sub(n, 1))) } lt(to, end) { to := add(to, rowBytes) } {
                mcopy(to, from, rowBytes)
                from := add(from, add(rowBytes, 32))
            }
        }
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
            let n := mload(factors)
            let rowBytes := shl(5, n)
            let from := add(matrix, 32)
            let shift := sub(scaled, matrix)
            mcopy(add(scaled, 32), from, mul(n, rowBytes))
            let firstDown := add(scaled, 32)
            let end := add(add(factors, 32), rowBytes)
            for { let row := add(factors, 32) } lt(row, end) { row := add(row, 32) } {
                let factor := mload(row)
                // Between two rows of factor one nothing changes.
                if lt(factor, ONE) {
                    let down := firstDown
                    let toEntry := sub(from, add(factors, 32))
                    for { let column := add(factors, 32) } lt(column, end) { column := add(column, 32) } {
                        let entry := add(column, toEntry)
                        let product := sar(64, mul(mul(factor, mload(column)), mload(entry)))
                        mstore(add(entry, shift), product)
                        mstore(down, product)
                        down := add(down, rowBytes)
                    }
                }
                from := add(from, rowBytes)
                firstDown := add(firstDown, 32)
            }
        }
    }

    /// @notice The packed form of a matrix. The last word of a row may reach into what follows it.
    function pack(int256[] memory matrix, uint256 n) internal pure returns (uint256[] memory packed) {
        uint256 width = _width(n);
        packed = new uint256[](n * width);
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

    /// @dev Words in a packed row: in threes, so that loops may take three at a time.
    function _width(uint256 n) private pure returns (uint256) {
        unchecked {
            return (n + 8) / 9 * 3;
        }
    }

    /// @notice For each row the sum of its squared distances to its `count` nearest others, which `masks` name: those
    /// with the smallest `(distance, index)`.
    /// @param packed The packed matrix of the rows' inner products.
    /// @custom:reverts WrongHint
    function sumNearest(uint256[] memory packed, uint256 n, uint256[] memory masks, uint256 count, uint256 step)
        internal
        pure
        returns (int256[] memory sums)
    {
        unchecked {
            sums = _diagonal(packed, n);
            uint256[] memory order = _columnOrder(sums);
            for (uint256 row = 0; row < n; ++row) {
                uint256 mask = masks[row];
                bool isSet = _size(mask) == count && mask >> n == 0 && mask >> row & 1 == 0;
                (uint256 last, uint256 sum) = _last(packed, order, row, mask);
                if (!isSet || !_isSplit(packed, order, row, mask, last)) revert IWeighingRule.WrongHint(step, row);
                sums[row] = int256(sum >> INDEX_BITS) + int256(count) * (sums[row] - int256(BIAS >> INDEX_BITS));
            }
        }
    }

    function _diagonal(uint256[] memory packed, uint256 n) private pure returns (int256[] memory diagonal) {
        unchecked {
            diagonal = new int256[](n);
            uint256 width = _width(n);
            for (uint256 i = 0; i < n; ++i) {
                uint256 shift = LANE_BITS * (i % LANES);
                // Half a lane's unit makes up for what the lane has lent.
                uint256 word = packed[i * width + i / LANES] + (1 << shift >> 1);
                diagonal[i] = int256(word << (256 - LANE_BITS) - shift) >> 256 - LANE_BITS;
            }
        }
    }

    /// @dev A packed row of `(G_jj, j)`, each as one number, biased. Less twice `G_ij` it orders the columns of row `i` by
    /// `(distance, index)`: only `G_ii`, which all distances from `i` have in common, is missing.
    function _columnOrder(int256[] memory diagonal) private pure returns (uint256[] memory order) {
        unchecked {
            order = new uint256[](_width(diagonal.length));
            for (uint256 j = 0; j < diagonal.length; ++j) {
                uint256 key = BIAS + uint256(diagonal[j] << INDEX_BITS | int256(j));
                order[j / LANES] |= key << LANE_BITS * (j % LANES);
            }
        }
    }

    /// @dev The last key of the columns in `mask`, and the sum of their keys less their indices.
    function _last(uint256[] memory packed, uint256[] memory order, uint256 row, uint256 mask)
        private
        pure
        returns (uint256 last, uint256 sum)
    {
        assembly ("memory-safe") {
            let units := UNITS
            let tops := TOPS
            let from := add(sub(packed, order), mul(row, shl(5, mload(order))))
            // In each lane the last so far. Where it is the greater one, subtracting leaves the lane's highest bit.
            for { let word := add(order, 32) } mask { mask := shr(LANES, mask) } {
                let keys := mul(and(mul(mask, SPREAD), units), KEY)
                keys := and(sub(mload(word), shl(KEY_SHIFT, mload(add(word, from)))), keys)
                sum := add(sum, and(keys, WITHOUT_INDICES))
                let greater := and(sub(or(last, tops), keys), tops)
                last := xor(keys, and(xor(last, keys), sub(greater, shr(TOP_BIT, greater))))
                word := add(word, 32)
            }
            let lane := sub(shl(LANE_BITS, 1), 1)
            sum := add(and(sum, lane), add(and(shr(LANE_BITS, sum), lane), shr(mul(2, LANE_BITS), sum)))
            let key := and(shr(LANE_BITS, last), lane)
            let top := shr(mul(2, LANE_BITS), last)
            last := and(last, lane)
            if lt(last, key) { last := key }
            if lt(last, top) { last := top }
        }
    }

    /// @dev Whether the columns in `mask`, and no others but the row itself, have keys up to `last`.
    function _isSplit(uint256[] memory packed, uint256[] memory order, uint256 row, uint256 mask, uint256 last)
        private
        pure
        returns (bool isSplit)
    {
        uint256 others = ((1 << packed.length / order.length) - 1) ^ 1 << row;
        uint256 wrong = 0;
        assembly ("memory-safe") {
            let from := add(sub(packed, order), mul(row, shl(5, mload(order))))
            let tops := TOPS
            let spread := SPREAD_TO_TOPS
            last := add(mul(last, UNITS), tops)
            for { let word := add(order, 32) } others { others := shr(LANES, others) } {
                // A lane's highest bit: whether its key comes up to the last, against whether it should.
                let keys := sub(last, sub(mload(word), shl(KEY_SHIFT, mload(add(word, from)))))
                wrong := or(wrong, and(xor(keys, mul(mask, spread)), mul(others, spread)))
                mask := shr(LANES, mask)
                word := add(word, 32)
            }
            isSplit := iszero(and(wrong, tops))
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

    /// @notice The row with the smallest `(score, index)`.
    function smallest(int256[] memory scores) internal pure returns (uint256 row) {
        unchecked {
            for (uint256 i = 1; i < scores.length; ++i) {
                if (scores[i] < scores[row]) row = i;
            }
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

    /// @notice `H_ij = Σ_{a∈N_i} Σ_{b∈N_j} G_ab`, the Gram matrix of the neighbourhoods' sums, packed.
    /// @dev Assumes that no mask has a bit at `n` or above, as `sumNearest` has checked.
    /// @dev With `A` the 0/1 matrix of the neighbourhoods, `A·(A·G)ᵀ` is `A·G·Aᵀ`, for `G` is symmetric.
    /// @param packed The packed matrix.
    function mix(uint256[] memory packed, uint256 n, uint256[] memory neighbourhoods)
        internal
        pure
        returns (uint256[] memory)
    {
        uint256[] memory excluded = _excluded(neighbourhoods, n);
        return _sumRows(_transpose(_sumRows(packed, n, excluded), n), n, excluded);
    }

    /// @notice `w_a = s_a · #{i selected : a ∈ N_i}`, the weights of the rows in the sum of the selected sums.
    function pullBack(uint256[] memory factors, uint256[] memory neighbourhoods, uint256 selected)
        internal
        pure
        returns (uint256[] memory weights)
    {
        unchecked {
            uint256 n = factors.length;
            uint256 counts = 0; // a byte for each row
            for (uint256 i = 0; i < n; ++i) {
                if (selected >> i & 1 == 1) counts += _spreadToBytes(neighbourhoods[i]);
            }
            weights = new uint256[](n);
            for (uint256 i = 0; i < n; ++i) {
                weights[i] = (counts >> 8 * i & 0xff) * factors[i];
            }
        }
    }

    /// @dev Bit `i` of a mask as byte `i`: the upper half moves away, then the upper half of either half, and so on.
    function _spreadToBytes(uint256 mask) private pure returns (uint256) {
        unchecked {
            mask = (mask | mask << 112) & 0xffff0000000000000000000000000000ffff;
            mask = (mask | mask << 56) & 0xff00000000000000ff00000000000000ff00000000000000ff;
            mask = (mask | mask << 28) & 0x0000000f0000000f0000000f0000000f0000000f0000000f0000000f0000000f;
            mask = (mask | mask << 14) & 0x0003000300030003000300030003000300030003000300030003000300030003;
            return (mask | mask << 7) & 0x0101010101010101010101010101010101010101010101010101010101010101;
        }
    }

    /// @dev In blocks of three rows and three columns. The result has spare rows for lanes that stand for no column.
    function _transpose(uint256[] memory packed, uint256 n) private pure returns (uint256[] memory transposed) {
        uint256 width = _width(n);
        transposed = new uint256[](LANES * width * width);
        assembly ("memory-safe") {
            let rowBytes := shl(5, width)
            let unused := sub(256, LANE_BITS)
            let column := add(transposed, 32)
            let from := add(packed, 32)
            for { let end := add(from, shl(5, mul(n, width))) } lt(from, end) {} {
                let to := column
                for { let rowEnd := add(from, rowBytes) } lt(from, rowEnd) { from := add(from, 32) } {
                    let x := mload(from)
                    let y := mload(add(from, rowBytes))
                    let z := mload(add(from, mul(2, rowBytes)))
                    for { let blockEnd := add(to, mul(LANES, rowBytes)) } lt(to, blockEnd) { to := add(to, rowBytes) } {
                        let low := sar(unused, shl(unused, z))
                        let word := shl(LANE_BITS, low)
                        z := sar(LANE_BITS, sub(z, low))
                        low := sar(unused, shl(unused, y))
                        word := shl(LANE_BITS, add(word, low))
                        y := sar(LANE_BITS, sub(y, low))
                        low := sar(unused, shl(unused, x))
                        mstore(to, add(word, low))
                        x := sar(LANE_BITS, sub(x, low))
                    }
                }
                from := add(from, mul(2, rowBytes))
                column := add(column, 32)
            }
        }
    }

    /// @dev The rows that are not in each mask, as many for each, mask by mask: each as how far it lies from the first
    /// row of a packed matrix.
    function _excluded(uint256[] memory masks, uint256 n) private pure returns (uint256[] memory excluded) {
        unchecked {
            excluded = new uint256[](n * (n - _size(masks[0])));
            uint256 rowBytes = 32 * _width(n);
            assembly ("memory-safe") {
                let to := add(excluded, 32)
                let mask := add(masks, 32)
                for { let end := add(mask, shl(5, n)) } lt(mask, end) { mask := add(mask, 32) } {
                    for { let left := xor(mload(mask), sub(shl(n, 1), 1)) } left {} {
                        // The lowest bit times a de Bruijn sequence tells its index by the five bits above bit 27.
                        let bit := and(left, sub(0, left))
                        left := xor(left, bit)
                        let index := byte(and(shr(27, mul(bit, DE_BRUIJN)), 31), DE_BRUIJN_INDICES)
                        mstore(to, mul(index, rowBytes))
                        to := add(to, 32)
                    }
                }
            }
        }
    }

    /// @dev Row `i` of the result is the sum of all rows but the excluded of mask `i`. They are fewer than the others.
    function _sumRows(uint256[] memory packed, uint256 n, uint256[] memory excluded)
        private
        pure
        returns (uint256[] memory sums)
    {
        uint256 width = _width(n);
        sums = new uint256[](n * width);
        uint256[] memory total = _sumOfRows(packed, n, width);
        uint256 setBytes = 32 * (excluded.length / n);
        assembly ("memory-safe") {
            let rowBytes := shl(5, width)
            let to := add(sums, 32)
            let first := add(excluded, 32)
            for { let end := add(to, mul(n, rowBytes)) } lt(to, end) { first := add(first, setBytes) } {
                let last := add(first, setBytes)
                let toTotal := sub(total, packed)
                let start := add(packed, 32)
                for { let rowEnd := add(to, rowBytes) } lt(to, rowEnd) { to := add(to, 96) } {
                    let from := add(start, toTotal)
                    let x := mload(from)
                    let y := mload(add(from, 32))
                    let z := mload(add(from, 64))
                    for { let at := first } lt(at, last) { at := add(at, 32) } {
                        from := add(start, mload(at))
                        x := sub(x, mload(from))
                        y := sub(y, mload(add(from, 32)))
                        z := sub(z, mload(add(from, 64)))
                    }
                    mstore(to, x)
                    mstore(add(to, 32), y)
                    mstore(add(to, 64), z)
                    start := add(start, 96)
                }
            }
        }
    }

    function _sumOfRows(uint256[] memory packed, uint256 n, uint256 width)
        private
        pure
        returns (uint256[] memory total)
    {
        total = new uint256[](width);
        assembly ("memory-safe") {
            let rowBytes := shl(5, width)
            let first := add(packed, 32)
            let to := add(total, 32)
            for { let end := add(first, rowBytes) } lt(first, end) { first := add(first, 32) } {
                let sum := 0
                let entry := first
                for { let last := add(entry, mul(n, rowBytes)) } lt(entry, last) { entry := add(entry, rowBytes) } {
                    sum := add(sum, mload(entry))
                }
                mstore(to, sum)
                to := add(to, 32)
            }
        }
    }
}
