// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWeighingRule} from "../interfaces/IWeighingRule.sol";
import {GramRule} from "./GramRule.sol";
import {GramSteps} from "./GramSteps.sol";

/// @title Clipping to the median norm, nearest-neighbour mixing, Multi-Krum
/// @dev Hints: `n` masks, for each row its neighbourhood, itself included (step 0); `n` masks, for each neighbourhood sum
/// its nearest others (step 1); one mask, the selected sums (step 2).
contract ClipNnmMultiKrum is GramRule {
    uint256 private constant NEIGHBOURHOOD_STEP = 0;
    uint256 private constant NEAREST_STEP = 1;
    uint256 private constant SELECTION_STEP = 2;

    /// @inheritdoc IWeighingRule
    function name() external pure virtual returns (string memory) {
        return "clip-nnm-multi-krum";
    }

    function _isGentle() internal pure virtual override returns (bool) {
        return true;
    }

    /// @inheritdoc GramRule
    function _computeWeights(int256[] memory gram, uint256 n, uint256 f, bytes calldata hints)
        internal
        pure
        virtual
        override
        returns (uint256[] memory weights)
    {
        return _clipMixSelect(gram, n, f, hints);
    }

    function _clipMixSelect(int256[] memory gram, uint256 n, uint256 f, bytes calldata hints)
        internal
        pure
        returns (uint256[] memory weights)
    {
        _requireSets(hints, 2 * n + 1);
        uint256[] memory factors = GramSteps.clipFactors(gram, n);
        uint256[] memory rows = GramSteps.pack(GramSteps.scale(gram, factors), n);
        uint256[] memory neighbourhoods = _hintSlice(hints, 0, n);
        GramSteps.sumNearest(rows, n, GramSteps.withoutSelf(neighbourhoods), n - f - 1, NEIGHBOURHOOD_STEP);
        rows = GramSteps.mix(rows, n, neighbourhoods);
        int256[] memory scores = GramSteps.sumNearest(rows, n, _hintSlice(hints, n, n), n - f - 2, NEAREST_STEP);
        uint256 selected = _hint(hints, 2 * n);
        GramSteps.checkSmallest(scores, selected, n - f, SELECTION_STEP);
        return GramSteps.pullBack(factors, neighbourhoods, selected);
    }
}
