// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWeighingRule} from "../interfaces/IWeighingRule.sol";
import {GramRule} from "./GramRule.sol";
import {GramSteps} from "./GramSteps.sol";

/// @title Nearest-neighbour averaging: the row with the closest company and its `n-f-1` nearest others, with equal weights
/// @dev Hints: `n` masks, for each row itself and its nearest others (step 0). The pivot is found by one pass over the
/// sums of their distances, and its own set is the selection.
contract Nna is GramRule {
    uint256 private constant COMPANY_STEP = 0;

    /// @inheritdoc IWeighingRule
    function name() external pure returns (string memory) {
        return "nna";
    }

    function _computeWeights(int256[] memory gram, uint256 n, uint256 f, bytes calldata hints)
        internal
        pure
        override
        returns (uint256[] memory weights)
    {
        _requireSets(hints, n);
        uint256[] memory companies = _hintSlice(hints, 0, n);
        uint256[] memory others = GramSteps.withoutSelf(companies);
        int256[] memory scores = GramSteps.sumNearest(GramSteps.pack(gram, n), n, others, n - f - 1, COMPANY_STEP);
        uint256 selected = companies[GramSteps.smallest(scores)];
        weights = new uint256[](n);
        for (uint256 i = 0; i < n; ++i) {
            weights[i] = GramSteps.ONE * (selected >> i & 1);
        }
    }
}
