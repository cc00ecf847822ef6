// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IGramVerifier} from "../interfaces/IGramVerifier.sol";
import {ORDER} from "./BLS12381.sol";

/// @title Integers modulo the group order, as far as the Gram proof needs them
library ScalarField {
    /// @notice The scalar at `offset`, which has to be there. Only the one below the group order is taken.
    /// @custom:reverts NonCanonicalScalar
    function read(bytes calldata data, uint256 offset) internal pure returns (uint256 scalar) {
        assembly ("memory-safe") {
            scalar := calldataload(add(data.offset, offset))
        }
        if (scalar >= ORDER) revert IGramVerifier.NonCanonicalScalar(scalar);
    }

    /// @notice `x - y`, for `y` below the group order.
    function subtract(uint256 x, uint256 y) internal pure returns (uint256) {
        return addmod(x, ORDER - y, ORDER);
    }

    /// @notice `Σ_i Σ_j r_i r_j G_ij` modulo the group order.
    /// @dev Assumes `n ≤ 1024`, `r_i < 2^128` and `gram` of the right length. A row's sum is then below `2^202` in absolute
    /// value: nothing overflows, and one addition of the order makes it positive.
    function quadraticForm(uint256[] memory r, bytes calldata gram) internal pure returns (uint256 form) {
        assembly ("memory-safe") {
            let entry := gram.offset
            let end := add(add(r, 32), shl(5, mload(r)))
            for { let row := add(r, 32) } lt(row, end) { row := add(row, 32) } {
                let diagonal := mul(mload(row), sar(192, calldataload(entry)))
                entry := add(entry, 8)
                let sum := 0
                for { let column := add(row, 32) } lt(column, end) { column := add(column, 32) } {
                    sum := add(sum, mul(mload(column), sar(192, calldataload(entry))))
                    entry := add(entry, 8)
                }
                let positive := add(ORDER, add(diagonal, shl(1, sum)))
                form := addmod(form, mulmod(mload(row), positive, ORDER), ORDER)
            }
        }
    }
}
