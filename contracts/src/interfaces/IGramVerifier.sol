// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Verifier of the Gram proof (docs/proof.md)
/// @notice Stateless. Returns nothing: a proof that does not verify reverts.
interface IGramVerifier {
    /// @notice Thrown at deployment where the BLS12-381 precompiles of EIP-2537 are missing or wrong.
    error PrecompilesUnavailable();

    /// @notice Thrown at deployment where the SRS has no room for a payload, or its points are not powers of one secret.
    error InvalidSrs();

    /// @notice Thrown when a byte string does not have the length that `n`, `d` and the SRS give.
    error InvalidLength(uint256 actual, uint256 expected);

    /// @notice Thrown when there are no rows, no dimensions, or more commitments than the verifier handles.
    error InvalidSize(uint256 n, uint256 d);

    /// @notice Thrown when a scalar is not below the group order.
    error NonCanonicalScalar(uint256 scalar);

    /// @notice Thrown when the evaluation challenge is 0, 1 or -1.
    error DegenerateChallenge(uint256 z);

    /// @notice Thrown when a precompile rejects its input: a point off the curve or outside the subgroup.
    error InvalidPoint(address precompile);

    /// @notice Thrown when the gas left does not cover the price of a precompile call. Says nothing about the proof.
    error InsufficientGas(uint256 required, uint256 available);

    /// @notice Thrown when the pairing equation does not hold.
    error ProofRejected();

    /// @notice Number of powers in the SRS, `N`.
    function powers() external view returns (uint256);

    /// @notice Number of blocks `B` of a vector of dimension `d`.
    function blocksOf(uint256 d) external view returns (uint256);

    /// @notice Checks that `gram` is the Gram matrix of the vectors behind `commitments`.
    /// @dev Assumes `context` binds chain, marketplace, project, round and ordered submissions. Nothing here can check that.
    /// @param context The 32-byte `ctx` of docs/proof.md section 4.
    /// @param n Number of rows.
    /// @param d Number of coordinates of a row.
    /// @param commitments `C_1^0 ‖ … ‖ C_n^{B-1}`, 128 bytes each.
    /// @param gram Upper triangle, row by row, 8 bytes each.
    /// @param proof `M ‖ t0 ‖ S ‖ a ‖ a' ‖ s ‖ W ‖ ω`, `192·B + 352` bytes.
    /// @custom:reverts InvalidLength, InvalidSize, NonCanonicalScalar, DegenerateChallenge, InvalidPoint, InsufficientGas,
    /// ProofRejected
    function verify(
        bytes32 context,
        uint256 n,
        uint256 d,
        bytes calldata commitments,
        bytes calldata gram,
        bytes calldata proof
    ) external view;
}
