// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Contributions} from "../../src/rules/Contributions.sol";
import {Test} from "forge-std/Test.sol";

/// @notice Proofs by trying everything.
contract ExhaustiveTest is Test {
    /// @dev Each of the 65,536 fractions that `exp2neg` tells apart: from one downwards, never to a half. With the whole
    /// part a shift (`check_exp2negIsAShiftedFraction`) it never rises anywhere.
    function test_Exp2negFallsFromOneToAHalf() public pure {
        uint256 last = Contributions.exp2neg(0);
        assertEq(last, 1 << 64);
        for (uint256 fraction = 1; fraction < 1 << 16; ++fraction) {
            uint256 next = Contributions.exp2neg(fraction << 16);
            if (next >= last) revert("it rises");
            last = next;
        }
        assertGt(last, 1 << 63);
    }
}
