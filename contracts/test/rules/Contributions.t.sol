// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Contributions} from "../../src/rules/Contributions.sol";
import {Matrices} from "./Matrices.sol";
import {PlainRule} from "./PlainRule.sol";
import {Test} from "forge-std/Test.sol";

contract ContributionsTest is Test {
    uint256 internal constant MAX_WEIGHT = 1 << 37;

    function testFuzz_Exp2negEqualsItsPlainTwin(uint256 kappa) public pure {
        kappa >>= kappa % 256; // of every magnitude
        assertEq(Contributions.exp2neg(kappa), PlainRule.exp2neg(kappa));
    }

    function test_Exp2negOfEachOfItsBits() public pure {
        assertEq(Contributions.exp2neg(0), 1 << 64);
        assertEq(Contributions.exp2neg(3 << 32), 1 << 61);
        assertEq(Contributions.exp2neg(1 << 31), 13_043_817_825_332_782_212); // √½, to the bit
        assertEq(Contributions.exp2neg((1 << 16) - 1), 1 << 64);
        assertEq(Contributions.exp2neg(type(uint256).max), 0);
        for (uint256 bit = 0; bit < 40; ++bit) {
            assertEq(Contributions.exp2neg(1 << bit), PlainRule.exp2neg(1 << bit));
        }
    }

    /// @dev Any matrix, any weights, a tenth of them 0.
    function testFuzz_ContributionsEqualTheirPlainTwin(uint256 seed, uint256 n, uint256 d, bool isGentle) public pure {
        n = bound(n, 3, 9);
        d = 1 + (d >> 8) % (1 << (d % 33));
        int256[][] memory gram = seed % 2 == 0 ? Matrices.anything(seed, n) : Matrices.random(seed, n);
        uint256[] memory weights = new uint256[](n);
        for (uint256 i = 0; i < n; ++i) {
            if (Matrices.draw(seed, "zero", i) % 10 > 0) weights[i] = Matrices.draw(seed, "weight", i) % MAX_WEIGHT;
        }
        uint256 f = seed / 2 % ((n - 1) / 2);
        (uint256[] memory expected, uint256 expectedOpposed) = PlainRule.contributions(gram, weights, f, d, isGentle);
        (uint256[] memory actual, uint256 opposed) = Contributions.compute(flat(gram), weights, f, d, isGentle);
        assertEq(actual, expected, "contributions");
        assertEq(opposed, expectedOpposed, "opposed");
    }

    /// @dev `n` copies of one row share what `n - 1` others would leave of one: `κ` counts the others.
    function test_CopiesAreDiscountedByTheirNumber() public pure {
        int256[][] memory gram = PlainRule.zeros(5);
        uint256[] memory weights = new uint256[](5);
        for (uint256 i = 0; i < 5; ++i) {
            weights[i] = 1 << 32;
            for (uint256 j = 0; j < 5; ++j) {
                gram[i][j] = 1_000_000;
            }
        }
        (uint256[] memory gentle,) = Contributions.compute(flat(gram), weights, 1, 2_410, true);
        (uint256[] memory sharp,) = Contributions.compute(flat(gram), weights, 1, 2_410, false);
        uint256 undiscounted = (1 << 64) * 4 * uint256(1_000_000);
        for (uint256 i = 0; i < 5; ++i) {
            assertEq(gentle[i], undiscounted >> 4);
            assertEq(sharp[i], undiscounted >> 8);
        }
    }

    /// @dev Two of five is half of four: a quorum with `f = 1`, none with `f = 0`.
    function test_QuorumIsHalfOfTheHonest() public pure {
        int256[][] memory gram = PlainRule.zeros(5);
        uint256[] memory weights = new uint256[](5);
        for (uint256 i = 0; i < 5; ++i) {
            (gram[i][i], weights[i]) = (1_000_000, 1 << 32);
        }
        (gram[0][1], gram[1][0]) = (900_000, 900_000);
        (uint256[] memory actual,) = Contributions.compute(flat(gram), weights, 1, 2_410, false);
        assertGt(actual[0], 0);
        assertEq(actual[0], actual[1]);
        assertEq(actual[2], 0);
        (actual,) = Contributions.compute(flat(gram), weights, 0, 2_410, false);
        assertEq(actual, new uint256[](5));
    }

    function flat(int256[][] memory gram) internal pure returns (int256[] memory matrix) {
        matrix = new int256[](gram.length * gram.length);
        for (uint256 i = 0; i < matrix.length; ++i) {
            matrix[i] = gram[i / gram.length][i % gram.length];
        }
    }
}
