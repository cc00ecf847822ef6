// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Pay and reputation in exact integers (docs/rules.md)
/// @notice Every division rounds against whoever is paid; what is left over has an owner elsewhere.
library Rewards {
    uint256 internal constant BPS = 10_000;
    uint256 internal constant INITIAL_REPUTATION = 5_000;

    /// @dev Reputation moves an eighth of the way to a weighed row's target, a sixteenth of the way to 0 for a no-show.
    uint256 internal constant WEIGHED_SHIFT = 3;
    uint256 internal constant ABSENT_SHIFT = 4;

    /// @notice `f`: how many of `n ≥ 3` rows are assumed dishonest.
    function toleratedOf(uint256 n, uint256 byzantineBps) internal pure returns (uint256 f) {
        return Math.min(n * byzantineBps / BPS, (n - 3) / 2);
    }

    /// @notice The part `bps` of `amount`, rounded down.
    function partOf(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return amount * bps / BPS;
    }

    function sumOf(uint256[] memory values) internal pure returns (uint256 total) {
        for (uint256 i; i < values.length; ++i) {
            total += values[i];
        }
    }

    /// @notice Shares `budget` pro rata to `contributions`, whose sum is `total`; nothing where nobody contributed.
    function computeShares(uint256 budget, uint256[] memory contributions, uint256 total)
        internal
        pure
        returns (uint256[] memory shares)
    {
        shares = new uint256[](contributions.length);
        if (total == 0) return shares;
        for (uint256 i; i < shares.length; ++i) {
            shares[i] = Math.mulDiv(budget, contributions[i], total);
        }
    }

    /// @notice The reputation that a row of `n` moves toward: 5000 for an average contribution, 10000 from twice that.
    function targetOf(uint256 contribution, uint256 n, uint256 total) internal pure returns (uint256) {
        return Math.min(BPS, INITIAL_REPUTATION * contribution * n / total);
    }

    /// @notice Moves `reputation` toward `target` by `(target − reputation) >> shift`, an arithmetic shift.
    function approach(uint256 reputation, uint256 target, uint256 shift) internal pure returns (uint256) {
        return uint256(int256(reputation) + ((int256(target) - int256(reputation)) >> shift));
    }
}
