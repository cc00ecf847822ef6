// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWeighingRule} from "../interfaces/IWeighingRule.sol";
import {GramRule} from "./GramRule.sol";
import {GramSteps} from "./GramSteps.sol";

/// @title Multi-Krum: the `n-f` rows that lie closest to their `n-f-2` nearest others, with equal weights
/// @dev Hints: `n` masks, for each row its nearest others (step 0); then one mask, the selected rows (step 1).
contract MultiKrum is GramRule {
    uint256 private constant NEAREST_STEP = 0;
    uint256 private constant SELECTION_STEP = 1;

    /// @inheritdoc IWeighingRule
    function name() external pure returns (string memory) {
        return "multi-krum";
    }

    function _isGentle() internal pure override returns (bool) {
        return true;
    }

    function _computeWeights(int256[] memory gram, uint256 n, uint256 f, bytes calldata hints)
        internal
        pure
        override
        returns (uint256[] memory weights)
    {
        _requireSets(hints, n + 1);
        int256[] memory scores =
            GramSteps.sumNearest(GramSteps.pack(gram, n), n, _hintSlice(hints, 0, n), n - f - 2, NEAREST_STEP);
        uint256 selected = _hint(hints, n);
        GramSteps.checkSmallest(scores, selected, n - f, SELECTION_STEP);
        weights = new uint256[](n);
        for (uint256 i = 0; i < n; ++i) {
            weights[i] = GramSteps.ONE * (selected >> i & 1);
        }
    }
}
