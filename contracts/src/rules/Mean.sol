// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWeighingRule} from "../interfaces/IWeighingRule.sol";
import {GramRule} from "./GramRule.sol";
import {GramSteps} from "./GramSteps.sol";

/// @title The mean of all rows, for consortia whose members trust each other
/// @dev No hints. One dishonest row moves the aggregate at will.
contract Mean is GramRule {
    /// @inheritdoc IWeighingRule
    function name() external pure returns (string memory) {
        return "mean";
    }

    function _isGentle() internal pure override returns (bool) {
        return true;
    }

    function _computeWeights(int256[] memory, uint256 n, uint256, bytes calldata hints)
        internal
        pure
        override
        returns (uint256[] memory weights)
    {
        _requireSets(hints, 0);
        weights = new uint256[](n);
        for (uint256 i = 0; i < n; ++i) {
            weights[i] = GramSteps.ONE;
        }
    }
}
