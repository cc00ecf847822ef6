// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GramVerifier} from "../../src/GramVerifier.sol";
import {IGramVerifier} from "../../src/interfaces/IGramVerifier.sol";
import {BLS12381, G1_BYTES, ORDER} from "../../src/libraries/BLS12381.sol";
import {ScalarField} from "../../src/libraries/ScalarField.sol";
import {Vectors} from "./Vectors.sol";

/// @notice The verifier's pure parts behind external calls.
contract GramVerifierHarness is GramVerifier {
    constructor(uint256 powers, Srs memory srs) GramVerifier(powers, srs) {}

    function quadraticForm(uint256[] memory r, bytes calldata gram) external pure returns (uint256) {
        return ScalarField.quadraticForm(r, gram);
    }

    function evaluationPoint(bytes32 h1) external pure returns (uint256) {
        return _evaluationPoint(h1);
    }
}

contract GramVerifierTest is Vectors {
    GramVerifierHarness internal verifier;

    function setUp() public {
        (uint256 powers, GramVerifier.Srs memory srs) = readSrs();
        verifier = new GramVerifierHarness(powers, srs);
    }

    // --- Known answers ---

    function test_AcceptsEveryValidVector() public view {
        Case[] memory cases = readCases("valid");
        for (uint256 k = 0; k < cases.length; ++k) {
            (bool success,) = tryVerify(cases[k].statement, gasleft());
            assertTrue(success, cases[k].name);
        }
        assertGt(cases.length, 60, "all are read");
    }

    function test_RejectsEveryInvalidVector() public view {
        Case[] memory cases = readCases("invalid");
        for (uint256 k = 0; k < cases.length; ++k) {
            assertEq(cases[k].expectedError, "ProofRejected", cases[k].name);
            assertRefused(cases[k]);
        }
        assertGt(cases.length, 250, "all are read");
    }

    function test_NamesTheFaultOfEveryMalformedVector() public view {
        Case[] memory cases = readCases("malformed");
        for (uint256 k = 0; k < cases.length; ++k) {
            assertNotEq(cases[k].expectedError, "ProofRejected", cases[k].name);
            assertRefused(cases[k]);
        }
        assertGt(cases.length, 240, "all are read");
    }

    function assertRefused(Case memory c) internal view {
        (bool success, bytes memory answer) = tryVerify(c.statement, gasleft());
        assertFalse(success, c.name);
        assertEq(bytes4(answer), selectorOf(c.expectedError), c.name);
    }

    function test_AcceptsEveryBundle() public view {
        string[7] memory names = bundles();
        for (uint256 k = 0; k < names.length; ++k) {
            verify(readStatement(names[k]));
        }
    }

    /// @dev Modular exponentiation costs three times as much from Osaka on (EIP-7883).
    /// forge-config: default.evm_version = "osaka"
    function test_AcceptsABundleAfterOsaka() public view {
        verify(readStatement("ev_8_4089_noise"));
    }

    function testFuzz_RejectsAnyChangedByte(uint256 seed, uint8 change) public {
        vm.assume(change != 0);
        Statement memory s = readStatement("ev_8_4089_noise");
        uint256 at = bound(seed, 0, 31 + s.commitments.length + s.gram.length + s.proof.length);
        if (at < 32) {
            s.context ^= bytes32(uint256(change)) << (8 * at);
        } else {
            at -= 32;
            bytes memory part = s.commitments;
            if (at >= part.length) (at, part) = (at - part.length, s.gram);
            if (at >= part.length) (at, part) = (at - part.length, s.proof);
            part[at] ^= bytes1(change);
        }
        vm.expectRevert();
        verify(s);
    }

    // --- Sizes and scalars ---

    function test_RevertWhen_ThereAreNoRows() public {
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidSize.selector, 0, 5));
        verifier.verify(0, 0, 5, "", "", "");
    }

    function test_RevertWhen_ThereAreNoCoordinates() public {
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidSize.selector, 3, 0));
        verifier.verify(0, 3, 0, "", "", "");
    }

    function test_RevertWhen_TheDimensionDoesNotFitTheTranscript() public {
        (, GramVerifier.Srs memory srs) = readSrs();
        GramVerifier large = new GramVerifier(1 << 24, srs); // with 4,096 powers there would be too many commitments
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidSize.selector, 1, 1 << 32));
        large.verify(0, 1, 1 << 32, "", "", "");
        expectInvalidLength(0, 257 * G1_BYTES);
        large.verify(0, 1, (1 << 32) - 1, "", "", "");
    }

    function test_RevertWhen_ThereAreTooManyCommitments() public {
        uint256 d = 4_088 * 32;
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidSize.selector, 33, d));
        verifier.verify(0, 33, d, "", "", "");
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidLength.selector, 0, 1_024 * G1_BYTES));
        verifier.verify(0, 32, d, "", "", "");
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidSize.selector, type(uint256).max, 1));
        verifier.verify(0, type(uint256).max, 1, "", "", "");
    }

    function test_RevertWhen_ALengthIsWrong() public {
        Statement memory s = readStatement("ev_3_300_plain");
        expectInvalidLength(3 * G1_BYTES - 1, 3 * G1_BYTES);
        verifier.verify(s.context, s.n, s.d, new bytes(3 * G1_BYTES - 1), s.gram, s.proof);
        expectInvalidLength(49, 48);
        verifier.verify(s.context, s.n, s.d, s.commitments, new bytes(49), s.proof);
        expectInvalidLength(545, 544);
        verifier.verify(s.context, s.n, s.d, s.commitments, s.gram, new bytes(545));
    }

    function test_RevertWhen_AScalarIsNotBelowTheOrder() public {
        uint256[5] memory scalarsAt = [G1_BYTES, 2 * G1_BYTES + 32, 2 * G1_BYTES + 64, 2 * G1_BYTES + 96, 512];
        for (uint256 k = 0; k < scalarsAt.length; ++k) {
            Statement memory s = readStatement("ev_3_300_plain");
            bytes memory proof = s.proof;
            uint256 at = 32 + scalarsAt[k];
            uint256 scalar;
            assembly ("memory-safe") {
                scalar := add(mload(add(proof, at)), ORDER)
                mstore(add(proof, at), scalar)
            }
            vm.expectRevert(abi.encodeWithSelector(IGramVerifier.NonCanonicalScalar.selector, scalar));
            verify(s);
        }
    }

    function test_RevertWhen_TheChallengeIsDegenerate() public {
        uint256[5] memory hashes = [0, 1, ORDER - 1, ORDER, ORDER + 1];
        for (uint256 k = 0; k < hashes.length; ++k) {
            vm.expectRevert(abi.encodeWithSelector(IGramVerifier.DegenerateChallenge.selector, hashes[k] % ORDER));
            verifier.evaluationPoint(bytes32(hashes[k]));
        }
        assertEq(verifier.evaluationPoint(bytes32(ORDER + 2)), 2);
    }

    // --- Gas ---

    /// @dev With any gas at all a true statement is accepted or runs out of gas, and a false one is never accepted.
    function test_LackOfGasIsNeverTakenForAProof() public view {
        Statement memory good = readStatement("ev_3_300_plain");
        Statement memory bad = readStatement("ev_3_300_plain");
        bad.context ^= bytes32(uint256(1));
        uint256 accepted = 0;
        uint256 reported = 0;
        for (uint256 limit = 1_000; limit < 300_000; limit += 1_499) {
            (bool success, bytes memory answer) = tryVerify(good, limit);
            if (success) ++accepted;
            else if (answer.length > 0) ++reported;
            if (!success && answer.length > 0) {
                assertEq(bytes4(answer), IGramVerifier.InsufficientGas.selector, "a lack of gas is called by its name");
            }
            (success, answer) = tryVerify(bad, limit);
            assertFalse(success, "a false statement is never accepted");
        }
        assertGt(accepted, 10, "enough gas is enough");
        assertGt(reported, 100, "the sweep meets the checks");
    }

    function test_BadPointBurnsNoMoreThanThePriceOfItsCheck() public view {
        Statement memory s = readStatement("ev_3_300_plain");
        s.commitments[127] ^= 0x01;
        uint256 before = gasleft();
        (bool success, bytes memory answer) = tryVerify(s, 30_000_000);
        uint256 used = before - gasleft();
        assertFalse(success);
        assertEq(answer, abi.encodeWithSelector(IGramVerifier.InvalidPoint.selector, BLS12381.G1_MSM));
        assertLt(used, BLS12381.msmGas(9) + 50_000);
    }

    // --- Parts ---

    function testFuzz_QuadraticFormEqualsItsPlainTwin(uint256 seed, uint256 n) public view {
        n = bound(n, 1, 12);
        uint256[] memory r = new uint256[](n);
        int64[] memory entries = new int64[](n * (n + 1) / 2);
        bytes memory gram;
        for (uint256 i = 0; i < n; ++i) {
            r[i] = uint256(keccak256(abi.encode(seed, i))) >> 128;
        }
        for (uint256 k = 0; k < entries.length; ++k) {
            uint256 draw = uint256(keccak256(abi.encode(seed, n, k)));
            entries[k] = draw % 5 == 0 ? type(int64).min : draw % 5 == 1 ? type(int64).max : int64(uint64(draw >> 8));
            gram = abi.encodePacked(gram, entries[k]);
        }
        assertEq(verifier.quadraticForm(r, gram), plainQuadraticForm(r, entries));
    }

    function test_QuadraticFormHoldsAtItsBounds() public view {
        uint256 n = 1_024;
        uint256[] memory r = new uint256[](n);
        bytes memory gram = new bytes(4 * n * (n + 1));
        for (uint256 i = 0; i < n; ++i) {
            r[i] = type(uint128).max;
        }
        for (uint256 k = 0; k < gram.length; k += 8) {
            gram[k] = 0x80; // -2^63
        }
        uint256 square = mulmod(type(uint128).max, type(uint128).max, ORDER);
        uint256 magnitude = mulmod(square, mulmod(n * n, 1 << 63, ORDER), ORDER);
        assertEq(verifier.quadraticForm(r, gram), ORDER - magnitude);
    }

    function plainQuadraticForm(uint256[] memory r, int64[] memory entries) internal pure returns (uint256 form) {
        uint256 k = 0;
        for (uint256 i = 0; i < r.length; ++i) {
            for (uint256 j = i; j < r.length; ++j) {
                int256 entry = entries[k++];
                uint256 residue = entry < 0 ? ORDER - uint256(-entry) : uint256(entry);
                uint256 term = mulmod(mulmod(r[i], r[j], ORDER), residue, ORDER);
                form = addmod(form, i == j ? term : mulmod(2, term, ORDER), ORDER);
            }
        }
    }

    function test_BlocksOf() public view {
        assertEq(verifier.blocksOf(0), 0);
        assertEq(verifier.blocksOf(1), 1);
        assertEq(verifier.blocksOf(4_088), 1);
        assertEq(verifier.blocksOf(4_089), 2);
        assertEq(verifier.blocksOf(type(uint256).max), type(uint256).max / 4_088 + 1);
    }

    // --- Tools ---

    function expectInvalidLength(uint256 actual, uint256 expected) internal {
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidLength.selector, actual, expected));
    }

    function verify(Statement memory s) internal view {
        verifier.verify(s.context, s.n, s.d, s.commitments, s.gram, s.proof);
    }

    function tryVerify(Statement memory s, uint256 limit) internal view returns (bool, bytes memory) {
        bytes memory call = abi.encodeCall(IGramVerifier.verify, (s.context, s.n, s.d, s.commitments, s.gram, s.proof));
        return address(verifier).staticcall{gas: limit}(call);
    }

    function selectorOf(string memory name) internal pure returns (bytes4) {
        bytes32 hash = keccak256(bytes(name));
        if (hash == keccak256("InvalidLength")) return IGramVerifier.InvalidLength.selector;
        if (hash == keccak256("InvalidSize")) return IGramVerifier.InvalidSize.selector;
        if (hash == keccak256("NonCanonicalScalar")) return IGramVerifier.NonCanonicalScalar.selector;
        if (hash == keccak256("InvalidPoint")) return IGramVerifier.InvalidPoint.selector;
        if (hash == keccak256("ProofRejected")) return IGramVerifier.ProofRejected.selector;
        revert(string.concat("no such error: ", name));
    }
}
