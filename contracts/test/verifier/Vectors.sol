// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GramVerifier} from "../../src/GramVerifier.sol";
import {Test} from "forge-std/Test.sol";

/// @notice Reads the SRS and the evidence bundles of `tests/vectors`.
abstract contract Vectors is Test {
    /// @notice What a verifier is called with.
    struct Statement {
        bytes32 context;
        uint256 n;
        uint256 d;
        bytes commitments;
        bytes gram;
        bytes proof;
    }

    /// @notice What the bundle says about weights and pay.
    struct Outcome {
        uint256 f;
        uint256[] weights;
        uint256 budget;
        uint256[] shares;
    }

    /// @notice A call from `valid.json`, `invalid.json` or `malformed.json`, and the error that must come of it, if any.
    struct Case {
        string name;
        string expectedError;
        Statement statement;
    }

    /// @dev The order and types of a case in these files, for their decoder.
    struct EncodedCase {
        string name;
        bytes32 context;
        uint256 n;
        uint256 d;
        bytes commitments;
        bytes gram;
        bytes proof;
        string expectedError;
    }

    string private constant ENCODED_CASE =
        "EncodedCase(string name,bytes32 context,uint256 n,uint256 d,bytes commitments,bytes gram,bytes proof,string expectedError)";

    function bundles() internal pure returns (string[7] memory) {
        return [
            "ev_3_5_plain",
            "ev_3_300_plain",
            "ev_5_4088_zero",
            "ev_7_2410_bad",
            "ev_8_4089_noise",
            "ev_9_2410_clones",
            "ev_11_9000_bad"
        ];
    }

    function readSrs() internal view returns (uint256 powers, GramVerifier.Srs memory srs) {
        string memory json = vm.readFile("tests/vectors/srs/ethereum.json");
        powers = vm.parseJsonUint(json, ".powers");
        srs.g1One = vm.parseJsonBytes(json, ".g1One");
        srs.g1Tau = vm.parseJsonBytes(json, ".g1Tau");
        srs.blinding = vm.parseJsonBytes(json, ".blinding");
        srs.g2One = vm.parseJsonBytes(json, ".g2One");
        srs.g2Tau = vm.parseJsonBytes(json, ".g2Tau");
        srs.g2Tau2 = vm.parseJsonBytes(json, ".g2Tau2");
    }

    function deployVerifier() internal returns (GramVerifier) {
        (uint256 powers, GramVerifier.Srs memory srs) = readSrs();
        return new GramVerifier(powers, srs);
    }

    /// @param class `valid`, `invalid` or `malformed`.
    function readCases(string memory class) internal view returns (Case[] memory cases) {
        string memory json = _read(class);
        EncodedCase[] memory encoded = abi.decode(vm.parseJsonTypeArray(json, ".cases", ENCODED_CASE), (EncodedCase[]));
        cases = new Case[](encoded.length);
        for (uint256 k = 0; k < encoded.length; ++k) {
            EncodedCase memory e = encoded[k];
            Statement memory statement = Statement(e.context, e.n, e.d, e.commitments, e.gram, e.proof);
            cases[k] = Case(e.name, e.expectedError, statement);
        }
    }

    function readStatement(string memory bundle) internal view returns (Statement memory statement) {
        string memory json = _read(bundle);
        statement.context = _context(json);
        statement.n = vm.parseJsonUint(json, ".n");
        statement.d = vm.parseJsonUint(json, ".d");
        statement.commitments = vm.parseJsonBytes(json, ".commitments");
        statement.gram = vm.parseJsonBytes(json, ".gram");
        statement.proof = bytes.concat(
            vm.parseJsonBytes(json, ".proof.M"),
            bytes32(vm.parseJsonUint(json, ".proof.t0")),
            vm.parseJsonBytes(json, ".proof.S"),
            abi.encodePacked(vm.parseJsonUintArray(json, ".proof.a")),
            abi.encodePacked(vm.parseJsonUintArray(json, ".proof.aPrime")),
            bytes32(vm.parseJsonUint(json, ".proof.s")),
            vm.parseJsonBytes(json, ".proof.W"),
            bytes32(vm.parseJsonUint(json, ".proof.omega"))
        );
    }

    function readOutcome(string memory bundle) internal view returns (Outcome memory outcome) {
        string memory json = _read(bundle);
        outcome.f = vm.parseJsonUint(json, ".rule.f");
        outcome.weights = vm.parseJsonUintArray(json, ".weights");
        outcome.budget = vm.parseJsonUint(json, ".budget");
        outcome.shares = vm.parseJsonUintArray(json, ".shares");
    }

    function _read(string memory name) private view returns (string memory) {
        return vm.readFile(string.concat("tests/vectors/gram/", name, ".json"));
    }

    function _context(string memory json) private pure returns (bytes32) {
        bytes32 submissions = keccak256(
            abi.encode(vm.parseJsonAddressArray(json, ".trainers"), vm.parseJsonBytes32Array(json, ".commitmentHashes"))
        );
        return keccak256(
            abi.encode(
                vm.parseJsonUint(json, ".chainId"),
                vm.parseJsonAddress(json, ".marketplace"),
                vm.parseJsonUint(json, ".projectId"),
                vm.parseJsonUint(json, ".round"),
                submissions
            )
        );
    }
}
