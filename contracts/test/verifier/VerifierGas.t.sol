// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GramVerifier} from "../../src/GramVerifier.sol";
import {Vectors} from "./Vectors.sol";

/// @notice Gas of `verify` with cold storage and without calldata, in `contracts/snapshots/verify.json`.
contract VerifierGasTest is Vectors {
    GramVerifier internal verifier;

    function setUp() public {
        verifier = deployVerifier();
    }

    function test_GasFor7Rows() public {
        measure("n7_d2410");
    }

    function test_GasFor16Rows() public {
        measure("n16_d2410");
    }

    function test_GasFor32Rows() public {
        measure("n32_d2410");
    }

    function measure(string memory name) internal {
        Case[] memory cases = readCases("valid");
        for (uint256 k = 0; k < cases.length; ++k) {
            if (keccak256(bytes(cases[k].name)) != keccak256(bytes(name))) continue;
            Statement memory s = cases[k].statement;
            verifier.verify(s.context, s.n, s.d, s.commitments, s.gram, s.proof);
            vm.snapshotGasLastCall("verify", name);
            return;
        }
        revert(string.concat("no such vector: ", name));
    }
}
