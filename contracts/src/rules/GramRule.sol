// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWeighingRule} from "../interfaces/IWeighingRule.sol";
import {Contributions} from "./Contributions.sol";
import {GramSteps} from "./GramSteps.sol";

/// @title Base of the weighing rules: everything except the weights
/// @dev A rule is this contract plus its name and its weights; and whether it is rooted or gentle, if it is.
abstract contract GramRule is IWeighingRule {
    /// @notice The most rows of a matrix: a set of rows is a mask of 32 bits, and the bounds in `GramSteps` count on it.
    uint256 public constant MAX_ROWS = 32;

    uint256 private constant MASK_BYTES = 4;

    /// @inheritdoc IWeighingRule
    function weigh(bytes calldata gram, uint256 n, uint256 f, uint256 d, bytes calldata hints)
        external
        pure
        returns (uint256[] memory weights, uint256[] memory contributions, uint256 opposed)
    {
        uint256 roots = rooted() ? 1 : 0;
        if (n < 3 + roots || f > (n - 3 - roots) / 2) revert TooFewRows(n, f);
        if (n > MAX_ROWS) revert TooManyRows(n, MAX_ROWS);
        if (gram.length != 4 * n * (n + 1)) revert InvalidGramLength(gram.length, 4 * n * (n + 1));

        int256[] memory matrix = GramSteps.decode(gram, n);
        weights = _computeWeights(matrix, n, f, hints);
        (contributions, opposed) = roots == 0
            ? Contributions.compute(matrix, weights, f, d, _isGentle())
            : _contributionsOfTrainers(matrix, weights, f, d);
    }

    /// @inheritdoc IWeighingRule
    function rooted() public pure virtual returns (bool) {
        return false;
    }

    /// @dev Whether copies cost what they did in the first design (docs/rules.md, "Copies").
    function _isGentle() internal pure virtual returns (bool) {
        return false;
    }

    /// @dev The weights `w_i ≤ 2^37`, in Q32; 0 for a root. It checks the hints, their length by `_requireSets`.
    /// @param gram The matrix, `n·n` entries. Contributions are computed from it afterwards: a rule leaves it as it is.
    function _computeWeights(int256[] memory gram, uint256 n, uint256 f, bytes calldata hints)
        internal
        pure
        virtual
        returns (uint256[] memory weights);

    /// @dev The hints are `count` sets.
    function _requireSets(bytes calldata hints, uint256 count) internal pure {
        if (hints.length != MASK_BYTES * count) revert InvalidHintLength(hints.length, MASK_BYTES * count);
    }

    /// @dev What the trainers contributed among themselves, and 0 for the root behind them.
    function _contributionsOfTrainers(int256[] memory matrix, uint256[] memory weights, uint256 f, uint256 d)
        private
        pure
        returns (uint256[] memory contributions, uint256 opposed)
    {
        uint256 trainers = weights.length - 1;
        uint256[] memory own = new uint256[](trainers);
        for (uint256 i = 0; i < trainers; ++i) {
            own[i] = weights[i];
        }
        uint256[] memory computed;
        (computed, opposed) = Contributions.compute(GramSteps.withoutLast(matrix, trainers + 1), own, f, d, _isGentle());
        contributions = new uint256[](trainers + 1);
        for (uint256 i = 0; i < trainers; ++i) {
            contributions[i] = computed[i];
        }
    }

    /// @dev The `index`-th set of the hints, whose length has been checked.
    function _hint(bytes calldata hints, uint256 index) internal pure returns (uint256 mask) {
        assembly ("memory-safe") {
            mask := shr(224, calldataload(add(hints.offset, mul(MASK_BYTES, index))))
        }
    }

    /// @dev `count` sets of the hints from the `first` on.
    function _hintSlice(bytes calldata hints, uint256 first, uint256 count)
        internal
        pure
        returns (uint256[] memory masks)
    {
        unchecked {
            masks = new uint256[](count);
            for (uint256 i = 0; i < count; ++i) {
                masks[i] = _hint(hints, first + i);
            }
        }
    }
}
