// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title A weighing rule (docs/rules.md): from the Gram matrix to weights and contributions, in exact integers
interface IWeighingRule {
    /// @notice Thrown when a byte string does not have the length that `n` gives.
    error InvalidGramLength(uint256 actual, uint256 expected);

    /// @notice Thrown when fewer than `2f + 3` of the `n` rows are trainers'.
    error TooFewRows(uint256 n, uint256 f);

    /// @notice Thrown when there are more rows than a set in the hints has bits.
    error TooManyRows(uint256 n, uint256 limit);

    /// @notice Thrown when the squared norm on the diagonal is negative: the row is no vector of integers.
    error NegativeNorm(uint256 row);

    /// @notice Thrown when a hint does not have the length that the rule needs.
    error InvalidHintLength(uint256 actual, uint256 expected);

    /// @notice Thrown when a hinted set is not the one that the rule's order gives.
    /// @param step The rule's step that the hint belongs to, from 0.
    /// @param row The row whose set is wrong; 0 for a set that belongs to no row.
    error WrongHint(uint256 step, uint256 row);

    /// @notice The rule's name in project specifications and evidence bundles.
    function name() external pure returns (string memory);

    /// @notice Whether the last row is the project owner's root update, which the others are held against. It is no
    /// trainer's: its weight and contribution are 0, it is never opposed, and it is not counted by `f` or the quorum.
    function rooted() external pure returns (bool);

    /// @notice Weighs the rows of a Gram matrix.
    /// @param gram Upper triangle, row by row, 8-byte big-endian two's complement.
    /// @param n Number of rows, a root included.
    /// @param f Number of trainers' rows assumed dishonest; there are at least `2f + 3` of these.
    /// @param d Number of coordinates of a row (the noise floor depends on it).
    /// @param hints Sets that are cheaper to check than to find; their format is the rule's own. A wrong hint reverts.
    /// @return weights `w_i`, in the order of the rows.
    /// @return contributions `φ_i` after discount, floor and quorum; all 0 in a round without quorum.
    /// @return opposed Bit `i` is set where row `i` has no weight and disagrees with the accepted ones
    /// (`Σ_j w_j G_ij < 0`) in a round with quorum: a strike.
    /// @custom:reverts TooFewRows, TooManyRows, InvalidGramLength, InvalidHintLength, NegativeNorm, WrongHint
    function weigh(bytes calldata gram, uint256 n, uint256 f, uint256 d, bytes calldata hints)
        external
        pure
        returns (uint256[] memory weights, uint256[] memory contributions, uint256 opposed);
}
