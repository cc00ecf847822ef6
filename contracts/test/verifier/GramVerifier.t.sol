// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GramVerifier} from "../../src/GramVerifier.sol";
import {Vectors} from "./Vectors.sol";

contract GramVerifierTest is Vectors {
    GramVerifier internal verifier;

    function setUp() public {
        verifier = deployVerifier();
    }

    function test_AcceptsEveryBundle() public {
        string[7] memory names = bundles();
        for (uint256 k = 0; k < names.length; ++k) {
            Statement memory s = readStatement(names[k]);
            verifier.verify(s.context, s.n, s.d, s.commitments, s.gram, s.proof);
            emit log_named_uint(names[k], vm.lastCallGas().gasTotalUsed);
        }
    }
}
