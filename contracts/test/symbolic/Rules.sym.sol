// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Contributions} from "../../src/rules/Contributions.sol";
import {GramSteps} from "../../src/rules/GramSteps.sol";

/// @notice What halmos proves of the rules' arithmetic, for every input within the bounds of each function's note
/// (docs/security.md).
contract RulesSymbolic {
    // --- Decoding: three rows, any bytes ---

    function check_decodesEveryEntry(bytes32 head, bytes16 tail) external view {
        bytes memory gram = abi.encodePacked(head, tail);
        int256[] memory plain = new int256[](6);
        for (uint256 k = 0; k < 6; ++k) {
            uint256 word = k < 4 ? uint256(head) >> 192 - 64 * k : uint256(uint128(tail)) >> 320 - 64 * k;
            plain[k] = int64(uint64(word));
        }
        uint8[9] memory place = [0, 1, 2, 1, 3, 4, 2, 4, 5];
        bool isNegative = plain[0] < 0 || plain[3] < 0 || plain[5] < 0;
        try this.decode(gram, 3) returns (int256[] memory matrix) {
            assert(!isNegative && matrix.length == 9);
            for (uint256 k = 0; k < 9; ++k) {
                assert(matrix[k] == plain[place[k]]);
            }
        } catch {
            assert(isNegative);
        }
    }

    function decode(bytes calldata gram, uint256 n) external pure returns (int256[] memory) {
        return GramSteps.decode(gram, n);
    }

    // --- Pulling back: 32 rows, two sets of any members ---

    function check_pullsBackEveryRow(uint32 first, uint32 second) external pure {
        uint256[] memory factors = new uint256[](32);
        uint256[] memory sets = new uint256[](32);
        for (uint256 i = 0; i < 32; ++i) {
            factors[i] = GramSteps.ONE;
        }
        (sets[3], sets[30]) = (first, second);
        uint256[] memory weights = GramSteps.pullBack(factors, sets, 1 << 3 | 1 << 30);
        for (uint256 a = 0; a < 32; ++a) {
            assert(weights[a] == GramSteps.ONE * ((first >> a & 1) + (second >> a & 1)));
        }
    }

    // --- exp2neg: whole parts of any size, fractions by their ten highest bits ---

    /// @dev The whole part shifts, the fraction chooses a factor in `(1/2, 1]`; all fractions are tried one by one in
    /// `Exhaustive.t.sol`.
    function check_exp2negIsAShiftedFraction(uint224 whole, uint16 bits) external pure {
        uint256 fraction = uint256(bits & 0xffc0) << 16;
        uint256 power = Contributions.exp2neg(uint256(whole) << 32 | fraction);
        uint256 factor = Contributions.exp2neg(fraction);
        assert(power == factor >> whole);
        assert(factor <= 1 << 64 && factor > 1 << 63);
    }

    function check_exp2negIgnoresTheLowestBits(uint16 low) external pure {
        assert(Contributions.exp2neg(low) == 1 << 64);
    }
}
