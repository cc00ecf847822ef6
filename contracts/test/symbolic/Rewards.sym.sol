// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Rewards} from "../../src/libraries/Rewards.sol";
import {SlotMask} from "../../src/libraries/SlotMask.sol";

/// @notice What halmos proves of reputation, numbers of rows and sets of slots, for every input within the bounds of each function's
/// name or note (docs/security.md).
contract RewardsSymbolic {
    using SlotMask for uint32;

    // --- Reputation ---

    function check_reputationStaysInItsRange(uint256 reputation, uint256 target, bool absent) external pure {
        if (reputation > 10_000 || target > 10_000) return;
        uint256 next =
            Rewards.approach(reputation, absent ? 0 : target, absent ? Rewards.ABSENT_SHIFT : Rewards.WEIGHED_SHIFT);
        assert(next <= 10_000);
        uint256 aim = absent ? 0 : target;
        if (reputation <= aim) assert(reputation <= next && next <= aim);
        else assert(aim <= next && next < reputation);
    }

    /// @dev Where there is something to share, whatever the quotient.
    function check_targetIsAReputation(uint64 contribution, uint8 n, uint64 others) external pure {
        uint256 total = uint256(contribution) + others;
        if (n > 32 || total == 0) return;
        assert(Rewards.targetOf(contribution, n, total) <= 10_000);
    }

    // --- Numbers of rows ---

    function check_theRuleIsDefinedForWhatIsTolerated(uint256 n, uint256 bps) external pure {
        if (n < 3 || n > 32 || bps > 5_000) return;
        uint256 f = Rewards.toleratedOf(n, bps);
        assert(n >= 2 * f + 3);
        assert(f * 10_000 <= n * bps);
    }

    // --- Sets of slots ---

    function check_addingAndRemovingOneSlot(uint32 mask, uint256 slot, uint256 other) external pure {
        if (slot > 31 || other > 31 || slot == other) return;
        assert(mask.add(slot).has(slot));
        assert(!mask.remove(slot).has(slot));
        assert(mask.add(slot).has(other) == mask.has(other));
        assert(mask.remove(slot).has(other) == mask.has(other));
        assert(mask.add(slot).remove(slot) == mask.remove(slot));
    }

    /// @dev Sets of up to ten slots.
    function check_countIsTheNumberOfBits(uint32 mask) external pure {
        if (mask >> 10 != 0) return;
        uint256 bits = 0;
        for (uint256 slot = 0; slot < 10; ++slot) {
            bits += mask >> slot & 1;
        }
        assert(mask.count() == bits);
    }

    /// @dev Of any set: each turn of the loop takes away one bit.
    function check_countTakesAwayOneBitATurn(uint32 mask) external pure {
        if (mask == 0) return;
        uint256 bits = 0;
        uint256 left = 0;
        for (uint256 slot = 0; slot < 32; ++slot) {
            bits += mask >> slot & 1;
            left += (mask & mask - 1) >> slot & 1;
        }
        assert(left + 1 == bits);
    }

    function check_firstFreeIsTheLowestSlotOutside(uint32 mask, uint256 below) external pure {
        uint256 slot = mask.firstFree();
        assert(slot <= 32);
        if (slot < 32) assert(!mask.has(slot));
        if (below < slot) assert(mask.has(below));
    }
}
