// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWeighingRule} from "../../src/interfaces/IWeighingRule.sol";
import {ClipNnmMultiKrum} from "../../src/rules/ClipNnmMultiKrum.sol";
import {FlTrust} from "../../src/rules/FlTrust.sol";
import {Mean} from "../../src/rules/Mean.sol";
import {MultiKrum} from "../../src/rules/MultiKrum.sol";
import {Nna} from "../../src/rules/Nna.sol";
import {ScreenClipNnmMultiKrum} from "../../src/rules/ScreenClipNnmMultiKrum.sol";
import {Vectors} from "../verifier/Vectors.sol";
import {Matrices} from "./Matrices.sol";
import {PlainRule} from "./PlainRule.sol";

contract GramRuleTest is Vectors {
    IWeighingRule internal screenClipNnmMultiKrum = new ScreenClipNnmMultiKrum();
    IWeighingRule internal clipNnmMultiKrum = new ClipNnmMultiKrum();
    IWeighingRule internal multiKrum = new MultiKrum();
    IWeighingRule internal mean = new Mean();
    IWeighingRule internal nna = new Nna();
    IWeighingRule internal flTrust = new FlTrust();

    uint256 internal constant D = 2_410;

    function test_GivesTheWeightsAndSharesOfEveryBundle() public view {
        string[7] memory names = bundles();
        for (uint256 k = 0; k < names.length; ++k) {
            Statement memory s = readStatement(names[k]);
            Outcome memory outcome = readOutcome(names[k]);
            bytes memory hints = PlainRule.clipNnmMultiKrum(PlainRule.decode(s.gram, s.n), outcome.f, s.d).hints;
            (uint256[] memory weights, uint256[] memory contributions,) =
                clipNnmMultiKrum.weigh(s.gram, s.n, outcome.f, s.d, hints);
            assertEq(weights, outcome.weights, names[k]);
            assertEq(sharesOf(contributions, outcome.budget), outcome.shares, names[k]);
        }
    }

    function testFuzz_ClipNnmMultiKrumEqualsItsPlainTwin(uint256 seed, uint256 n, uint256 f, uint256 d) public view {
        (n, f, d) = bound_(n, f, d);
        int256[][] memory gram = matrixOf(seed, n);
        assertEqual(clipNnmMultiKrum, gram, f, d, PlainRule.clipNnmMultiKrum(gram, f, d));
    }

    function testFuzz_ScreenClipNnmMultiKrumEqualsItsPlainTwin(uint256 seed, uint256 n, uint256 f, uint256 d)
        public
        view
    {
        (n, f, d) = bound_(n, f, d);
        int256[][] memory gram = matrixOf(seed, n);
        assertEqual(screenClipNnmMultiKrum, gram, f, d, PlainRule.screenClipNnmMultiKrum(gram, f, d));
    }

    function testFuzz_MultiKrumEqualsItsPlainTwin(uint256 seed, uint256 n, uint256 f, uint256 d) public view {
        (n, f, d) = bound_(n, f, d);
        int256[][] memory gram = matrixOf(seed, n);
        assertEqual(multiKrum, gram, f, d, PlainRule.onlyMultiKrum(gram, f, d));
    }

    function testFuzz_MeanEqualsItsPlainTwin(uint256 seed, uint256 n, uint256 f, uint256 d) public view {
        (n, f, d) = bound_(n, f, d);
        int256[][] memory gram = matrixOf(seed, n);
        assertEqual(mean, gram, f, d, PlainRule.mean(gram, f, d));
    }

    function testFuzz_NnaEqualsItsPlainTwin(uint256 seed, uint256 n, uint256 f, uint256 d) public view {
        (n, f, d) = bound_(n, f, d);
        int256[][] memory gram = matrixOf(seed, n);
        assertEqual(nna, gram, f, d, PlainRule.nna(gram, f, d));
    }

    function testFuzz_FlTrustEqualsItsPlainTwin(uint256 seed, uint256 n, uint256 f, uint256 d) public view {
        (n, f, d) = bound_(n, f, d);
        int256[][] memory gram = matrixOf(seed, n + 1);
        assertEqual(flTrust, gram, f, d, PlainRule.flTrust(gram, f, d));
    }

    /// @dev Rows (3, 4), (6, 8), (-3, -4), (1, 0) against the root (6, 8): the cosine times the ratio of the lengths.
    function test_FlTrustBringsRowsToTheLengthOfTheRoot() public view {
        int256[][] memory rows = new int256[][](5);
        (rows[0], rows[1], rows[2], rows[3], rows[4]) = (pair(3, 4), pair(6, 8), pair(-3, -4), pair(1, 0), pair(6, 8));
        (uint256[] memory weights,,) = flTrust.weigh(PlainRule.encode(Matrices.gramOf(rows)), 5, 0, D, "");
        assertEq(weights.length, 5);
        assertEq(weights[0], 2 << 32);
        assertEq(weights[1], 1 << 32);
        assertEq(weights[2], 0);
        assertEq(weights[3], 6 << 32);
        assertEq(weights[4], 0, "the root");
    }

    function test_FlTrustTrustsNobodyWithoutARoot() public view {
        int256[][] memory gram = PlainRule.zeros(6);
        for (uint256 i = 0; i < 5; ++i) {
            for (uint256 j = 0; j < 5; ++j) {
                gram[i][j] = 100;
            }
        }
        (uint256[] memory weights, uint256[] memory contributions, uint256 opposed) =
            flTrust.weigh(PlainRule.encode(gram), 6, 1, D, "");
        assertEq(weights, new uint256[](6));
        assertEq(contributions, new uint256[](6));
        assertEq(opposed, 0);
    }

    /// @dev What only grows shorter keeps its pull, until the weight ends.
    function test_FlTrustWeightsEndAtSixteen() public view {
        int256[][] memory rows = new int256[][](4);
        (rows[0], rows[1], rows[2], rows[3]) = (pair(10, 0), pair(1, 0), pair(160, 0), pair(160, 0));
        (uint256[] memory weights,,) = flTrust.weigh(PlainRule.encode(Matrices.gramOf(rows)), 4, 0, D, "");
        assertEq(weights[0], 16 << 32);
        assertEq(weights[1], 16 << 32);
        assertEq(weights[2], 1 << 32);
    }

    function pair(int256 x, int256 y) internal pure returns (int256[] memory row) {
        row = new int256[](2);
        (row[0], row[1]) = (x, y);
    }

    function test_OnlyFlTrustIsRooted() public view {
        assertTrue(flTrust.rooted());
        assertFalse(clipNnmMultiKrum.rooted() || multiKrum.rooted() || mean.rooted() || nna.rooted());
    }

    /// @dev Any bit of any set changed is found, in the right step and row.
    function test_RevertWhen_AnyBitOfTheHintsIsChanged() public {
        int256[][] memory gram = Matrices.random(3, 7);
        assertEveryBitMatters(clipNnmMultiKrum, gram, PlainRule.clipNnmMultiKrum(gram, 2, D).hints);
        assertEveryBitMatters(multiKrum, gram, PlainRule.onlyMultiKrum(gram, 2, D).hints);
        assertEveryBitMatters(nna, gram, PlainRule.nna(gram, 2, D).hints);
    }

    function assertEveryBitMatters(IWeighingRule rule, int256[][] memory gram, bytes memory hints) internal {
        bytes memory encoded = PlainRule.encode(gram);
        uint256 n = gram.length;
        uint256 last = rule == nna ? n : hints.length / 4 - 1; // NNA is hinted at no selection
        for (uint256 bit = 0; bit < 8 * hints.length; ++bit) {
            uint256 set = bit / 32;
            expectWrongHint(set / n, set == last ? 0 : set % n);
            rule.weigh(encoded, n, 2, D, flipped(hints, bit));
        }
    }

    /// @dev Sets of the right size, one member exchanged, if need be for a row that does not exist.
    function testFuzz_RevertWhen_AMemberIsExchanged(uint256 seed, uint256 n, uint256 f) public {
        (n, f,) = bound_(n, f, 1);
        int256[][] memory gram = matrixOf(seed, n);
        bytes memory hints = PlainRule.clipNnmMultiKrum(gram, f, D).hints;
        uint256 set = seed % (2 * n + 1);
        uint256 offset = 32 * set + 31;
        uint256 one = uint256(keccak256(abi.encode(seed, 1))) % n;
        uint256 other = uint256(keccak256(abi.encode(seed, 2))) % (seed % 3 == 0 ? 32 : n);
        vm.assume(isSet(hints, offset - one) != isSet(hints, offset - other));
        expectWrongHint(set / n, set == 2 * n ? 0 : set % n);
        clipNnmMultiKrum.weigh(PlainRule.encode(gram), n, f, D, flipped(flipped(hints, offset - one), offset - other));
    }

    /// @dev All distances are equal, so that indices alone decide.
    function test_BreaksTiesByTheSmallerIndex() public view {
        int256[][] memory gram = PlainRule.zeros(5);
        bytes memory nearest = hex"0000000600000005000000030000000300000003"; // {1,2} {0,2} {0,1} {0,1} {0,1}
        (uint256[] memory weights,,) =
            multiKrum.weigh(PlainRule.encode(gram), 5, 1, D, bytes.concat(nearest, hex"0000000f"));
        for (uint256 i = 0; i < 5; ++i) {
            assertEq(weights[i], i < 4 ? 1 << 32 : 0);
        }
    }

    function test_StrikesOnlyInARoundWithQuorum() public view {
        int256[][] memory rows = new int256[][](7);
        for (uint256 i = 0; i < 7; ++i) {
            rows[i] = new int256[](2);
            (rows[i][0], rows[i][1]) = i == 4 ? (int256(-400), int256(0)) : (int256(100), int256(i));
        }
        int256[][] memory gram = Matrices.gramOf(rows);
        PlainRule.Result memory result = PlainRule.clipNnmMultiKrum(gram, 2, D);
        assertEqual(clipNnmMultiKrum, gram, 2, D, result);
        assertEq(result.opposed, 1 << 4);
        assertEq(result.weights[4], 0);
        assertGt(result.contributions[0], 0);

        // In one dimension no cosine stands out from chance: the same rows, no quorum, no pay and no strike.
        result = PlainRule.clipNnmMultiKrum(gram, 2, 1);
        assertEqual(clipNnmMultiKrum, gram, 2, 1, result);
        assertEq(result.opposed, 0);
        assertEq(result.contributions, new uint256[](7));
    }

    /// @dev What the fuzz tests draw from is not all of one kind.
    function test_MatricesHaveEveryKindOfRound() public pure {
        uint256 paid = 0;
        uint256 unpaid = 0;
        uint256 struck = 0;
        for (uint256 seed = 1; seed <= 40; ++seed) {
            PlainRule.Result memory result = PlainRule.clipNnmMultiKrum(Matrices.random(seed, 7), 2, 40);
            bool isPaid = false;
            for (uint256 i = 0; i < 7; ++i) {
                isPaid = isPaid || result.contributions[i] > 0;
            }
            if (isPaid) ++paid;
            else ++unpaid;
            if (result.opposed != 0) ++struck;
        }
        assertGt(paid, 10, "rounds with quorum");
        assertGt(unpaid, 3, "rounds without");
        assertGt(struck, 5, "strikes");
    }

    function test_EveryNumberOfRowsUpTo24() public view {
        for (uint256 n = 3; n <= 24; ++n) {
            assertLargestFEqualsItsPlainTwin(n);
        }
    }

    function test_LargestRounds() public view {
        assertLargestFEqualsItsPlainTwin(27);
        assertLargestFEqualsItsPlainTwin(28);
        assertLargestFEqualsItsPlainTwin(32);
    }

    function assertLargestFEqualsItsPlainTwin(uint256 n) internal view {
        int256[][] memory gram = Matrices.random(n, n);
        uint256 f = (n - 3) / 2;
        assertEqual(clipNnmMultiKrum, gram, f, D, PlainRule.clipNnmMultiKrum(gram, f, D));
        assertEqual(nna, gram, f, D, PlainRule.nna(gram, f, D));
        if (n > 3) assertEqual(flTrust, gram, (n - 4) / 2, D, PlainRule.flTrust(gram, (n - 4) / 2, D));
    }

    /// @dev Every entry at the end of its range: the bounds in `GramSteps` and `Contributions` hold.
    function test_LargestEntriesEqualTheirPlainTwin() public view {
        for (uint256 pattern = 0; pattern < 4; ++pattern) {
            int256[][] memory gram = PlainRule.zeros(32);
            for (uint256 i = 0; i < 32; ++i) {
                for (uint256 j = 0; j < 32; ++j) {
                    bool isLow = pattern == 1 || (pattern == 2 && (i + j) % 2 == 1) || (pattern == 3 && i % 3 == j % 3);
                    gram[i][j] = isLow && i != j ? type(int64).min : type(int64).max;
                }
            }
            assertEqual(clipNnmMultiKrum, gram, 2, 1 << 32, PlainRule.clipNnmMultiKrum(gram, 2, 1 << 32));
            assertEqual(nna, gram, 2, 1 << 32, PlainRule.nna(gram, 2, 1 << 32));
            assertEqual(flTrust, gram, 2, 1 << 32, PlainRule.flTrust(gram, 2, 1 << 32));
        }
    }

    // --- Reverts ---

    function test_RevertWhen_ThereAreTooFewRows() public {
        bytes memory gram = new bytes(4 * 6 * 7);
        vm.expectRevert(abi.encodeWithSelector(IWeighingRule.TooFewRows.selector, 6, 2));
        mean.weigh(gram, 6, 2, D, "");
        vm.expectRevert(abi.encodeWithSelector(IWeighingRule.TooFewRows.selector, 2, 0));
        mean.weigh("", 2, 0, D, "");
        vm.expectRevert(abi.encodeWithSelector(IWeighingRule.TooFewRows.selector, 7, type(uint256).max));
        mean.weigh("", 7, type(uint256).max, D, "");
        for (uint256 n = 0; n <= 3; ++n) {
            vm.expectRevert(abi.encodeWithSelector(IWeighingRule.TooFewRows.selector, n, 0));
            flTrust.weigh("", n, 0, D, "");
        }
        vm.expectRevert(abi.encodeWithSelector(IWeighingRule.TooFewRows.selector, 5, 1));
        flTrust.weigh(new bytes(4 * 5 * 6), 5, 1, D, "");
    }

    function test_RevertWhen_ThereAreTooManyRows() public {
        vm.expectRevert(abi.encodeWithSelector(IWeighingRule.TooManyRows.selector, 33, 32));
        mean.weigh("", 33, 2, D, "");
        vm.expectRevert(abi.encodeWithSelector(IWeighingRule.TooManyRows.selector, 33, 32));
        flTrust.weigh("", 33, 2, D, "");
    }

    function test_RevertWhen_TheGramLengthIsWrong() public {
        vm.expectRevert(abi.encodeWithSelector(IWeighingRule.InvalidGramLength.selector, 49, 48));
        mean.weigh(new bytes(49), 3, 0, D, "");
    }

    function test_RevertWhen_TheHintLengthIsWrong() public {
        expectInvalidHintLength(1, 0);
        mean.weigh(new bytes(48), 3, 0, D, new bytes(1));
        expectInvalidHintLength(0, 16);
        multiKrum.weigh(new bytes(48), 3, 0, D, "");
        expectInvalidHintLength(29, 28);
        clipNnmMultiKrum.weigh(new bytes(48), 3, 0, D, new bytes(29));
        expectInvalidHintLength(16, 12);
        nna.weigh(new bytes(48), 3, 0, D, new bytes(16));
        expectInvalidHintLength(4, 0);
        flTrust.weigh(new bytes(80), 4, 0, D, new bytes(4));
    }

    function test_RevertWhen_ASquaredNormIsNegative() public {
        int256[][] memory gram = Matrices.random(1, 5);
        gram[3][3] = -1;
        vm.expectRevert(abi.encodeWithSelector(IWeighingRule.NegativeNorm.selector, 3));
        mean.weigh(PlainRule.encode(gram), 5, 1, D, "");
    }

    function test_Names() public view {
        assertEq(clipNnmMultiKrum.name(), "clip-nnm-multi-krum");
        assertEq(multiKrum.name(), "multi-krum");
        assertEq(mean.name(), "mean");
        assertEq(nna.name(), "nna");
        assertEq(flTrust.name(), "fltrust");
    }

    function test_FitsTheCodeSizeLimit() public view {
        assertLt(address(clipNnmMultiKrum).code.length, 24_576);
        assertLt(address(multiKrum).code.length, 24_576);
        assertLt(address(mean).code.length, 24_576);
        assertLt(address(nna).code.length, 24_576);
        assertLt(address(flTrust).code.length, 24_576);
    }

    // --- Tools ---

    function expectWrongHint(uint256 step, uint256 row) internal {
        vm.expectRevert(abi.encodeWithSelector(IWeighingRule.WrongHint.selector, step, row));
    }

    function expectInvalidHintLength(uint256 actual, uint256 expected) internal {
        vm.expectRevert(abi.encodeWithSelector(IWeighingRule.InvalidHintLength.selector, actual, expected));
    }

    /// @dev `bit` counts from the first byte's highest.
    function flipped(bytes memory data, uint256 bit) internal pure returns (bytes memory changed) {
        changed = bytes.concat(data);
        changed[bit / 8] ^= bytes1(uint8(0x80 >> bit % 8));
    }

    function isSet(bytes memory data, uint256 bit) internal pure returns (bool) {
        return uint8(data[bit / 8]) & (0x80 >> bit % 8) != 0;
    }

    function bound_(uint256 n, uint256 f, uint256 d) internal pure returns (uint256, uint256, uint256) {
        n = bound(n, 3, 9);
        d = 1 + (d >> 8) % (1 << (d % 33)); // of every magnitude: a small one raises the noise floor
        return (n, bound(f, 0, (n - 3) / 2), d);
    }

    function matrixOf(uint256 seed, uint256 n) internal pure returns (int256[][] memory) {
        return seed % 4 == 0 ? Matrices.anything(seed, n) : Matrices.random(seed, n);
    }

    function assertEqual(
        IWeighingRule rule,
        int256[][] memory gram,
        uint256 f,
        uint256 d,
        PlainRule.Result memory expected
    ) internal view {
        (uint256[] memory weights, uint256[] memory contributions, uint256 opposed) =
            rule.weigh(PlainRule.encode(gram), gram.length, f, d, expected.hints);
        assertEq(weights, expected.weights, "weights");
        assertEq(contributions, expected.contributions, "contributions");
        assertEq(opposed, expected.opposed, "opposed");
    }

    function sharesOf(uint256[] memory contributions, uint256 budget) internal pure returns (uint256[] memory shares) {
        shares = new uint256[](contributions.length);
        uint256 total = 0;
        for (uint256 i = 0; i < contributions.length; ++i) {
            total += contributions[i];
        }
        for (uint256 i = 0; total > 0 && i < contributions.length; ++i) {
            shares[i] = budget * contributions[i] / total;
        }
    }
}
