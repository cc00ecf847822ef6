// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The statement of `IGramVerifier.verify`, checked by a Groth16 verifier that snarkjs exported
/// @notice For `make bench-peers` only.
contract GramPeer {
    /// @notice Thrown when a byte string does not have the length that `n` gives.
    error InvalidLength(uint256 actual, uint256 expected);

    /// @notice Thrown when the exported verifier says no.
    error ProofRejected();

    uint256 private constant ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

    address private immutable _groth16;
    uint256 private immutable _n;
    bytes4 private immutable _selector;

    /// @param groth16 The exported contract, whose setup fixes `n` and `d`.
    /// @param n Number of rows.
    /// @param selector Of its `verifyProof`, which has the number of public inputs in its signature.
    constructor(address groth16, uint256 n, bytes4 selector) {
        _groth16 = groth16;
        _n = n;
        _selector = selector;
    }

    /// @notice Checks that `gram` is the Gram matrix of the vectors behind `commitments`.
    /// @param context Binds the proof to a round.
    /// @param commitments One element of the scalar field each, 32 bytes.
    /// @param gram Upper triangle, row by row, 8 bytes each.
    /// @param proof `A ‖ B ‖ C`, 256 bytes.
    /// @custom:reverts InvalidLength, ProofRejected
    function verify(bytes32 context, bytes calldata commitments, bytes calldata gram, bytes calldata proof)
        external
        view
    {
        uint256 n = _n;
        _checkLength(commitments.length, 32 * n);
        _checkLength(gram.length, 4 * n * (n + 1));
        _checkLength(proof.length, 256);
        uint256 rho = uint256(keccak256(abi.encodePacked(context, keccak256(commitments), keccak256(gram)))) % ORDER;
        uint256 form = _quadraticForm(rho, n, gram);
        (bool success, bytes memory answer) =
            _groth16.staticcall(abi.encodePacked(_selector, proof, commitments, rho, form));
        if (!success || answer.length != 32 || abi.decode(answer, (uint256)) != 1) revert ProofRejected();
    }

    /// @dev The sum of all `r_i r_j G_ij` for `r_i = rho^(2^i - 1)`. The length of `gram` has been checked.
    function _quadraticForm(uint256 rho, uint256 n, bytes calldata gram) private pure returns (uint256 form) {
        uint256[] memory r = new uint256[](n);
        r[0] = 1;
        for (uint256 i = 1; i < n; ++i) {
            r[i] = mulmod(mulmod(r[i - 1], r[i - 1], ORDER), rho, ORDER);
        }
        assembly ("memory-safe") {
            let entry := gram.offset
            let end := add(add(r, 32), shl(5, n))
            for { let row := add(r, 32) } lt(row, end) { row := add(row, 32) } {
                // An entry is above -2^63: one addition of the order makes it positive.
                let sum := mulmod(mload(row), add(ORDER, sar(192, calldataload(entry))), ORDER)
                entry := add(entry, 8)
                for { let column := add(row, 32) } lt(column, end) { column := add(column, 32) } {
                    let twice := add(ORDER, shl(1, sar(192, calldataload(entry))))
                    sum := addmod(sum, mulmod(mload(column), twice, ORDER), ORDER)
                    entry := add(entry, 8)
                }
                form := addmod(form, mulmod(mload(row), sum, ORDER), ORDER)
            }
        }
    }

    function _checkLength(uint256 actual, uint256 expected) private pure {
        if (actual != expected) revert InvalidLength(actual, expected);
    }
}
