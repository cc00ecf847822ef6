// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWeighingRule} from "../../src/interfaces/IWeighingRule.sol";
import {GramSteps} from "../../src/rules/GramSteps.sol";
import {Matrices} from "./Matrices.sol";
import {PlainRule} from "./PlainRule.sol";
import {Test} from "forge-std/Test.sol";

/// @notice Each step alone against its plain twin: the assembly, and the arithmetic on three columns at a time.
contract GramStepsTest is Test {
    /// @dev Every shape that lanes and threes of words make differ, and the largest.
    uint256[8] internal sizes = [3, 4, 5, 8, 9, 10, 19, 32];

    function testFuzz_DecodesWhatWasEncoded(uint256 seed) public view {
        int256[][] memory gram = matrixOf(seed);
        assertEq(this.decode(PlainRule.encode(gram), gram.length), flat(gram));
    }

    function decode(bytes calldata encoded, uint256 n) external pure returns (int256[] memory) {
        return GramSteps.decode(encoded, n);
    }

    function testFuzz_LeavesOutTheLastRowLikeItsPlainTwin(uint256 seed) public view {
        int256[][] memory gram = matrixOf(seed);
        uint256 count = gram.length - 1;
        int256[] memory expected = new int256[](count * count);
        for (uint256 i = 0; i < count; ++i) {
            for (uint256 j = 0; j < count; ++j) {
                expected[i * count + j] = gram[i][j];
            }
        }
        assertEq(GramSteps.withoutLast(flat(gram), gram.length), expected);
    }

    function testFuzz_ScalesLikeItsPlainTwin(uint256 seed) public view {
        int256[][] memory gram = matrixOf(seed);
        uint256[] memory factors = GramSteps.clipFactors(flat(gram), gram.length);
        int256[] memory expected = PlainRule.clipFactors(gram);
        for (uint256 i = 0; i < gram.length; ++i) {
            assertEq(int256(factors[i]), expected[i]);
            if (seed % 3 == 0) factors[i] = Matrices.draw(seed, "factor", i) % (GramSteps.ONE + 1);
            if (seed % 3 == 0) expected[i] = int256(factors[i]);
        }
        assertEq(GramSteps.scale(flat(gram), factors), flat(PlainRule.scale(gram, expected)));
    }

    /// @dev Neighbourhoods of any kind, so long as all have the same size.
    function testFuzz_MixesLikeItsPlainTwin(uint256 seed) public view {
        int256[][] memory gram = matrixOf(seed);
        uint256 n = gram.length;
        uint256[] memory sets = new uint256[](n);
        uint256 size = 1 + seed / 7 % n;
        for (uint256 i = 0; i < n; ++i) {
            sets[i] = setOf(seed, i, n, size);
        }
        uint256[] memory mixed = GramSteps.mix(GramSteps.pack(flat(gram), n), n, sets);
        assertEq(unpack(mixed, n), flat(PlainRule.mix(gram, sets)));
    }

    function testFuzz_SumsTheNearestLikeItsPlainTwin(uint256 seed) public view {
        int256[][] memory gram = matrixOf(seed);
        uint256 n = gram.length;
        uint256 count = 1 + seed / 7 % (n - 1);
        uint256[] memory sets = PlainRule.nearestOthers(gram, count);
        int256[] memory sums = GramSteps.sumNearest(GramSteps.pack(flat(gram), n), n, sets, count, 0);
        for (uint256 i = 0; i < n; ++i) {
            int256[] memory distances = PlainRule.distances(gram, i);
            int256 expected = 0;
            for (uint256 j = 0; j < n; ++j) {
                if (PlainRule.has(sets[i], j)) expected += distances[j];
            }
            assertEq(sums[i], expected);
        }
    }

    /// @dev Whatever the set: it is taken if it is the one that sorting gives, and refused if it is not.
    function testFuzz_RevertWhen_ASetIsNotTheNearest(uint256 seed, uint256 row, uint32 set) public {
        int256[][] memory gram = matrixOf(seed);
        uint256 n = gram.length;
        uint256 count = 1 + seed / 7 % (n - 1);
        uint256[] memory sets = PlainRule.nearestOthers(gram, count);
        row %= n;
        uint256 right = sets[row];
        if (seed % 2 == 0) sets[row] = set;
        else sets[row] ^= (1 << set % 32) | (1 << row % 32); // near the right one: the row itself in it, one other changed
        if (sets[row] != right) vm.expectRevert(abi.encodeWithSelector(IWeighingRule.WrongHint.selector, 3, row));
        this.sumNearest(flat(gram), n, sets, count);
    }

    function sumNearest(int256[] calldata matrix, uint256 n, uint256[] calldata sets, uint256 count) external pure {
        GramSteps.sumNearest(GramSteps.pack(matrix, n), n, sets, count, 3);
    }

    function testFuzz_PullsBackLikeItsPlainTwin(uint256 seed, uint32 selected) public pure {
        uint256 n = 3 + seed % 30;
        uint256[] memory factors = new uint256[](n);
        uint256[] memory sets = new uint256[](n);
        for (uint256 i = 0; i < n; ++i) {
            factors[i] = Matrices.draw(seed, "factor", i) % (GramSteps.ONE + 1);
            sets[i] = Matrices.draw(seed, "set", i) % (1 << n);
        }
        uint256[] memory weights = GramSteps.pullBack(factors, sets, selected);
        for (uint256 a = 0; a < n; ++a) {
            uint256 count = 0;
            for (uint256 i = 0; i < n; ++i) {
                if (PlainRule.has(selected, i) && PlainRule.has(sets[i], a)) ++count;
            }
            assertEq(weights[a], factors[a] * count);
        }
    }

    // --- Tools ---

    /// @dev Of any size, honest or wild, and in one of four at the ends of the entries' range.
    function matrixOf(uint256 seed) internal view returns (int256[][] memory gram) {
        uint256 n = sizes[seed % 8];
        if (seed / 8 % 4 > 0) return seed / 8 % 4 == 1 ? Matrices.random(seed, n) : Matrices.anything(seed, n);
        gram = PlainRule.zeros(n);
        for (uint256 i = 0; i < n; ++i) {
            for (uint256 j = i; j < n; ++j) {
                bool isLow = i != j && Matrices.draw(seed, "low", i * n + j) % 2 == 0;
                gram[i][j] = isLow ? type(int64).min : type(int64).max;
                gram[j][i] = gram[i][j];
            }
        }
    }

    function setOf(uint256 seed, uint256 row, uint256 n, uint256 size) internal pure returns (uint256 set) {
        uint256 next = row;
        for (uint256 taken = 0; taken < size; ++taken) {
            while (PlainRule.has(set, next)) next = (next + 1) % n;
            set |= 1 << next;
            next = Matrices.draw(seed, "member", n * row + taken) % n;
        }
    }

    function unpack(uint256[] memory packed, uint256 n) internal pure returns (int256[] memory matrix) {
        matrix = new int256[](n * n);
        for (uint256 i = 0; i < n; ++i) {
            int256 word = 0;
            for (uint256 j = 0; j < n; ++j) {
                if (j % 3 == 0) word = int256(packed[packed.length / n * i + j / 3]);
                matrix[n * i + j] = word << 171 >> 171;
                word = (word - matrix[n * i + j]) >> 85;
            }
        }
    }

    function flat(int256[][] memory gram) internal pure returns (int256[] memory matrix) {
        matrix = new int256[](gram.length * gram.length);
        for (uint256 i = 0; i < matrix.length; ++i) {
            matrix[i] = gram[i / gram.length][i % gram.length];
        }
    }
}
