// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWeighingRule} from "../interfaces/IWeighingRule.sol";
import {ClipNnmMultiKrum} from "./ClipNnmMultiKrum.sol";
import {GramRule} from "./GramRule.sol";
import {Screening} from "./Screening.sol";

/// @title Screening, then clipping, nearest-neighbour mixing and Multi-Krum: the default rule
/// @dev Hints: those of ClipNnmMultiKrum for the rows that screening keeps, renumbered in their order.
contract ScreenClipNnmMultiKrum is ClipNnmMultiKrum {
    /// @inheritdoc IWeighingRule
    function name() external pure override returns (string memory) {
        return "screen-clip-nnm-multi-krum";
    }

    function _isGentle() internal pure override returns (bool) {
        return false;
    }

    /// @inheritdoc GramRule
    function _computeWeights(int256[] memory gram, uint256 n, uint256 f, bytes calldata hints)
        internal
        pure
        override
        returns (uint256[] memory weights)
    {
        (uint256 kept, uint256 removed) = Screening.screen(gram, n, f);
        if (removed == 0) return _clipMixSelect(gram, n, f, hints);
        weights = _clipMixSelect(Screening.keep(gram, n, kept, removed), n - removed, f - removed, hints);
        return Screening.spread(weights, n, kept);
    }
}
