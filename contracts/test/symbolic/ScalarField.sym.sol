// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ORDER} from "../../src/libraries/BLS12381.sol";
import {ScalarField} from "../../src/libraries/ScalarField.sol";

/// @notice What halmos proves of the verifier's arithmetic, for every input within the bounds of each function's note
/// (docs/security.md).
contract ScalarFieldSymbolic {
    // --- Canonical scalars: any 96 bytes, each of the three places ---

    function check_readsCanonicalScalarsOnly(uint256[3] calldata scalars) external view {
        bytes memory data = abi.encodePacked(scalars[0], scalars[1], scalars[2]);
        for (uint256 place = 0; place < 3; ++place) {
            try this.read(data, 32 * place) returns (uint256 scalar) {
                assert(scalar == scalars[place] && scalar < ORDER);
            } catch {
                assert(scalars[place] >= ORDER);
            }
        }
    }

    function read(bytes calldata data, uint256 offset) external pure returns (uint256) {
        return ScalarField.read(data, offset);
    }

    /// @dev Any two residues.
    function check_differencesAreResidues(uint256 x, uint256 y) external pure {
        if (x >= ORDER || y >= ORDER) return;
        uint256 difference = ScalarField.subtract(x, y);
        assert(difference == (x >= y ? x - y : x + ORDER - y));
    }

    // --- The quadratic form: three rows, challenges and entries of any value ---

    /// @dev Each entry meets its row's challenge and its column's: the same sums, with the entries decoded one by one.
    function check_quadraticFormOfThreeRows(uint128[3] calldata r, bytes32 head, bytes16 tail) external view {
        uint256[] memory challenges = new uint256[](3);
        (challenges[0], challenges[1], challenges[2]) = (r[0], r[1], r[2]);
        int256[6] memory g;
        for (uint256 k = 0; k < 6; ++k) {
            uint256 word = k < 4 ? uint256(head) >> 192 - 64 * k : uint256(uint128(tail)) >> 320 - 64 * k;
            g[k] = int64(uint64(word));
        }
        uint256 form = 0;
        unchecked {
            form = term(form, r[0], product(r[0], g[0]) + 2 * (product(r[1], g[1]) + product(r[2], g[2])));
            form = term(form, r[1], product(r[1], g[3]) + 2 * product(r[2], g[4]));
            form = term(form, r[2], product(r[2], g[5]));
        }
        assert(this.quadraticForm(challenges, abi.encodePacked(head, tail)) == form);
    }

    function quadraticForm(uint256[] calldata r, bytes calldata gram) external pure returns (uint256) {
        return ScalarField.quadraticForm(r, gram);
    }

    function product(uint256 r, int256 entry) private pure returns (int256) {
        unchecked {
            return int256(r) * entry;
        }
    }

    function term(uint256 form, uint256 r, int256 sum) private pure returns (uint256) {
        unchecked {
            return addmod(form, mulmod(r, uint256(int256(ORDER) + sum), ORDER), ORDER);
        }
    }
}
