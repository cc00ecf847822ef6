// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Rewards} from "../../src/libraries/Rewards.sol";
import {SlotMask} from "../../src/libraries/SlotMask.sol";

/// @notice The arithmetic alone, against plain statements of what it should be.
contract LibrariesTest is Test {
    using SlotMask for uint32;

    // ------------------------------------------------------------------------------------------------- rewards

    function test_toleratedIsTheLesserOfShareAndTheory() public pure {
        assertEq(Rewards.toleratedOf(3, 5000), 0);
        assertEq(Rewards.toleratedOf(7, 3000), 2);
        assertEq(Rewards.toleratedOf(7, 5000), 2);
        assertEq(Rewards.toleratedOf(16, 2500), 4);
        assertEq(Rewards.toleratedOf(32, 5000), 14);
        assertEq(Rewards.toleratedOf(32, 0), 0);
    }

    function testFuzz_toleratedKeepsTheRuleDefined(uint256 n, uint256 bps) public pure {
        n = bound(n, 3, 32);
        bps = bound(bps, 0, 5000);
        uint256 f = Rewards.toleratedOf(n, bps);
        assertGe(n, 2 * f + 3);
        assertLe(f * 10_000, n * bps);
    }

    /// @notice At most `f` may be excluded, so at least three rows always remain.
    function testFuzz_threeRowsRemain(uint256 m, uint256 bps) public pure {
        m = bound(m, 3, 32);
        bps = bound(bps, 0, 5000);
        uint256 n = m - Rewards.toleratedOf(m, bps);
        assertGe(n, 3);
        assertGe(n, 2 * Rewards.toleratedOf(n, bps) + 3);
    }

    function testFuzz_sharesAreFloorsAndNeverExceedTheBudget(uint128 budget, uint128[8] memory raw) public pure {
        uint256[] memory contributions = new uint256[](8);
        uint256 total;
        for (uint256 i; i < 8; ++i) {
            contributions[i] = raw[i];
            total += raw[i];
        }
        assertEq(Rewards.sumOf(contributions), total);
        uint256[] memory shares = Rewards.computeShares(budget, contributions, total);
        uint256 paid = Rewards.sumOf(shares);
        if (total == 0) {
            assertEq(paid, 0);
            return;
        }
        assertLe(paid, budget);
        assertLt(budget - paid, 8);
        for (uint256 i; i < 8; ++i) {
            // Floor: the share is the largest whole number not above budget · contribution / total.
            assertLe(shares[i] * total, uint256(budget) * raw[i]);
            assertGt((shares[i] + 1) * total, uint256(budget) * raw[i]);
        }
    }

    /// @notice Contributions of any size are shared exactly: the product is taken in 512 bits.
    function test_hugeContributionsDoNotOverflow() public pure {
        uint256[] memory contributions = new uint256[](2);
        (contributions[0], contributions[1]) = (type(uint256).max / 2, type(uint256).max / 2);
        uint256[] memory shares = Rewards.computeShares(type(uint128).max, contributions, type(uint256).max - 1);
        assertEq(shares[0], type(uint128).max / 2);
    }

    function testFuzz_targetIsTwiceTheAverageAtMost(uint64[5] memory raw) public pure {
        uint256 total;
        for (uint256 i; i < 5; ++i) {
            total += raw[i];
        }
        vm.assume(total != 0);
        for (uint256 i; i < 5; ++i) {
            uint256 target = Rewards.targetOf(raw[i], 5, total);
            uint256 plain = 5000 * uint256(raw[i]) * 5 / total;
            assertEq(target, plain > 10_000 ? 10_000 : plain);
        }
    }

    /// @notice The arithmetic shift is a floor division, downwards too.
    function testFuzz_approachIsAFloorAndStaysInside(uint256 reputation, uint256 target, bool absent) public pure {
        reputation = bound(reputation, 0, 10_000);
        target = absent ? 0 : bound(target, 0, 10_000);
        uint256 shift = absent ? Rewards.ABSENT_SHIFT : Rewards.WEIGHED_SHIFT;
        uint256 step = absent ? 16 : 8;
        uint256 next = Rewards.approach(reputation, target, shift);
        if (target >= reputation) assertEq(next, reputation + (target - reputation) / step);
        else assertEq(next, reputation - (reputation - target + step - 1) / step);
        assertLe(next, 10_000);
        if (reputation > target) assertLt(next, reputation);
    }

    function test_reputationCanReachZeroAndComeBack() public pure {
        uint256 reputation = 5000;
        for (uint256 i; i < 200; ++i) {
            reputation = Rewards.approach(reputation, 0, Rewards.ABSENT_SHIFT);
        }
        assertEq(reputation, 0);
        assertEq(Rewards.approach(0, 10_000, Rewards.WEIGHED_SHIFT), 1250);
    }

    // ------------------------------------------------------------------------------------------------- masks

    function testFuzz_masksAreSets(uint32 mask, uint256 slot) public pure {
        slot = bound(slot, 0, 31);
        assertTrue(mask.add(slot).has(slot));
        assertFalse(mask.remove(slot).has(slot));
        assertEq(mask.add(slot).remove(slot), mask.remove(slot));
        uint256 count;
        uint256 free = 32;
        for (uint256 i = 32; i > 0; --i) {
            if (mask.has(i - 1)) ++count;
            else free = i - 1;
        }
        assertEq(mask.count(), count);
        assertEq(mask.firstFree(), free);
    }

    function test_fullAndEmptyMasks() public pure {
        assertEq(type(uint32).max.count(), 32);
        assertEq(type(uint32).max.firstFree(), 32);
        assertEq(uint32(0).count(), 0);
        assertEq(uint32(0).firstFree(), 0);
    }
}
