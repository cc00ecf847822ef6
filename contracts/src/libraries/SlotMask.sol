// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Sets of member slots, one bit a slot
library SlotMask {
    function has(uint32 mask, uint256 slot) internal pure returns (bool) {
        return (mask >> slot) & 1 == 1;
    }

    function add(uint32 mask, uint256 slot) internal pure returns (uint32) {
        return mask | uint32(1 << slot);
    }

    function remove(uint32 mask, uint256 slot) internal pure returns (uint32) {
        return mask & ~uint32(1 << slot);
    }

    function count(uint32 mask) internal pure returns (uint256 slots) {
        for (; mask != 0; mask &= mask - 1) {
            ++slots;
        }
    }

    /// @notice The lowest slot outside the set; 32 where the set is full.
    function firstFree(uint32 mask) internal pure returns (uint256 slot) {
        while (has(mask, slot)) {
            ++slot;
        }
    }
}
