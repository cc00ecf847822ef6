// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IWeighingRule} from "../interfaces/IWeighingRule.sol";
import {GramRule} from "./GramRule.sol";
import {GramSteps} from "./GramSteps.sol";

/// @title FLTrust: rows weigh as much as they point the way of the owner's root, at the root's length
/// @dev No hints. The normaliser, a sum of cosines, is for whoever moves the model, so nothing here takes a root.
contract FlTrust is GramRule {
    /// @notice No row weighs more than sixteen rows of the root's length that are trusted entirely.
    uint256 public constant MAX_WEIGHT = 16 << 32;

    /// @inheritdoc IWeighingRule
    function name() external pure returns (string memory) {
        return "fltrust";
    }

    /// @inheritdoc GramRule
    function rooted() public pure override returns (bool) {
        return true;
    }

    /// @dev `w_i = min(⌊2^32·G_ir / G_ii⌋, 16·2^32)` for the root `r`, where `G_ir` and both norms are positive, else 0:
    /// the cosine times the ratio of the lengths. The shifted entry stays below `2^95`.
    function _computeWeights(int256[] memory gram, uint256 n, uint256, bytes calldata hints)
        internal
        pure
        override
        returns (uint256[] memory weights)
    {
        _requireSets(hints, 0);
        weights = new uint256[](n);
        if (gram[n * n - 1] == 0) return weights;
        for (uint256 i = 0; i < n - 1; ++i) {
            (int256 inner, int256 squaredNorm) = (gram[i * n + n - 1], gram[i * (n + 1)]);
            if (inner <= 0 || squaredNorm == 0) continue;
            weights[i] = Math.min(GramSteps.ONE * uint256(inner) / uint256(squaredNorm), MAX_WEIGHT);
        }
    }
}
