// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GramVerifier} from "../../src/GramVerifier.sol";
import {IGramVerifier} from "../../src/interfaces/IGramVerifier.sol";
import {BLS12381, G1_BYTES, TERM_BYTES} from "../../src/libraries/BLS12381.sol";
import {Vectors} from "./Vectors.sol";

/// @notice What a precompile call costs and what becomes of it when it fails, for each of the five that `verify` makes.
contract PrecompileGasTest is Vectors {
    /// @dev Terms of the first sum for three rows and one block.
    uint256 internal constant TERMS = 3 + 1 + 5;

    uint256 internal constant MODEXP_PRICE = 4_064;
    uint256 internal constant MARGIN = 200;
    uint256 internal constant RESERVE = 1_500;

    GramVerifier internal verifier;
    Statement internal statement;

    function setUp() public {
        verifier = deployVerifier();
        statement = readStatement("ev_3_300_plain");
    }

    /// @dev The prices, in the order of the calls.
    function prices() internal pure returns (uint256[5] memory) {
        return [MODEXP_PRICE, BLS12381.msmGas(TERMS), BLS12381.G2_MUL_GAS, BLS12381.G2_ADD_GAS, BLS12381.pairingGas(2)];
    }

    function precompiles() internal pure returns (address[5] memory) {
        return [BLS12381.MODEXP, BLS12381.G1_MSM, BLS12381.G2_MSM, BLS12381.G2_ADD, BLS12381.PAIRING_CHECK];
    }

    /// @dev Whatever the gas: accepted, or nothing is left of the call's gas, or the one call that lacks gas is named.
    function test_RunsOutOfGasInEachPrecompileCallWithoutAnswer() public view {
        bytes memory call = encode(statement);
        uint256[5] memory met;
        uint256[5] memory required;
        for (uint256 k = 0; k < 5; ++k) {
            required[k] = (prices()[k] + MARGIN + RESERVE) * 64 / 63 + 1;
        }
        uint256 accepted = 0;
        for (uint256 limit = 2_000; accepted < 5; limit += 307) {
            (bool success, bytes memory answer) = address(verifier).staticcall{gas: limit}(call);
            if (success) {
                ++accepted;
                continue;
            }
            assertEq(accepted, 0, "more gas never turns a yes into a no");
            if (answer.length == 0) continue;
            (bytes4 error, uint256 needed,) = decode(answer);
            assertEq(error, IGramVerifier.InsufficientGas.selector);
            for (uint256 k = 0; k < 5; ++k) {
                if (needed == required[k]) ++met[k];
            }
        }
        for (uint256 k = 0; k < 5; ++k) {
            assertGt(met[k], 0, "the sweep starves each of the five calls");
        }
    }

    function test_ForwardsItsPriceAndAMarginToEachCall() public {
        uint256[5] memory price = prices();
        vm.expectCall(BLS12381.MODEXP, 0, uint64(price[0] + MARGIN), "");
        vm.expectCall(BLS12381.G1_MSM, 0, uint64(price[1] + MARGIN), "");
        vm.expectCall(BLS12381.G2_MSM, 0, uint64(price[2] + MARGIN), "");
        vm.expectCall(BLS12381.G2_ADD, 0, uint64(price[3] + MARGIN), "");
        vm.expectCall(BLS12381.PAIRING_CHECK, 0, uint64(price[4] + MARGIN), "");
        run(statement);
    }

    function test_RevertWhen_AnyOfTheCallsFails() public {
        for (uint256 k = 0; k < 5; ++k) {
            vm.mockCallRevert(precompiles()[k], bytes(""), bytes(""));
            expectRefusal(precompiles()[k]);
            vm.clearMockedCalls();
        }
    }

    function test_RevertWhen_AnyOfTheCallsAnswersNothing() public {
        for (uint256 k = 0; k < 5; ++k) {
            vm.mockCall(precompiles()[k], bytes(""), bytes(""));
            expectRefusal(precompiles()[k]);
            vm.clearMockedCalls();
        }
    }

    /// @dev A precompile takes all that it is given when its input is bad: 9,8 of 10 million gas from a careless caller,
    /// the price and little more from ours, in each place of a bad point.
    function test_ABadPointNeverCostsTheCallerMoreThanThePrice() public view {
        uint256 before = gasleft();
        (bool success,) = BLS12381.G1_MSM.staticcall{gas: 10_000_000}(new bytes(TERM_BYTES - 1));
        assertFalse(success);
        assertGt(before - gasleft(), 9_800_000, "a careless caller");

        uint256 count = statement.proof.length;
        uint256[4] memory places = [uint256(0), 0, G1_BYTES + 32, count - 32 - G1_BYTES];
        for (uint256 k = 0; k < 4; ++k) {
            Statement memory s = statement;
            bytes memory part = k == 0 ? s.commitments : s.proof;
            part[places[k] + 63] ^= 0x01;
            bytes memory call = encode(s);
            before = gasleft();
            bytes memory answer;
            (success, answer) = address(verifier).staticcall{gas: 30_000_000}(call);
            assertFalse(success);
            assertEq(answer, abi.encodeWithSelector(IGramVerifier.InvalidPoint.selector, BLS12381.G1_MSM));
            assertLt(before - gasleft(), BLS12381.msmGas(TERMS) + 60_000);
        }
    }

    function expectRefusal(address precompile) internal {
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidPoint.selector, precompile));
        run(statement);
    }

    function run(Statement memory s) internal view {
        verifier.verify(s.context, s.n, s.d, s.commitments, s.gram, s.proof);
    }

    function encode(Statement memory s) internal pure returns (bytes memory) {
        return abi.encodeCall(IGramVerifier.verify, (s.context, s.n, s.d, s.commitments, s.gram, s.proof));
    }

    function decode(bytes memory answer) internal pure returns (bytes4 error, uint256 first, uint256 second) {
        assembly ("memory-safe") {
            error := mload(add(answer, 32))
            first := mload(add(answer, 36))
            second := mload(add(answer, 68))
        }
    }
}
