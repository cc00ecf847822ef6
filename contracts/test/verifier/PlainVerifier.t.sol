// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GramVerifier} from "../../src/GramVerifier.sol";
import {IGramVerifier} from "../../src/interfaces/IGramVerifier.sol";
import {BLS12381, G1_BYTES, G2_BYTES, ORDER, SCALAR_BYTES} from "../../src/libraries/BLS12381.sol";
import {PlainVerifier} from "./PlainVerifier.sol";
import {Vectors} from "./Vectors.sol";

/// @notice Byte by byte what `GramVerifier` gives to each precompile, against its plain twin. The precompiles answer at
/// random, so that points may be any bytes: none may be lost, moved or taken for another.
contract PlainVerifierTest is Vectors {
    /// @dev Eight coordinates to a block.
    uint256 internal constant POWERS = 16;

    PlainVerifier internal plain = new PlainVerifier();
    GramVerifier internal verifier;
    GramVerifier.Srs internal srs;

    function setUp() public {
        (, srs) = readSrs();
        verifier = new GramVerifier(POWERS, srs);
    }

    function testFuzz_GivesThePrecompilesWhatItsPlainTwinDoes(uint256 seed, uint256 n, uint256 d) public {
        n = bound(n, 1, 8);
        d = bound(d, 1, 32);
        Statement memory s = draw(seed, n, d);
        expectInputs(s, seed);
        verifier.verify(s.context, s.n, s.d, s.commitments, s.gram, s.proof);

        vm.mockCall(BLS12381.PAIRING_CHECK, bytes(""), abi.encode(0));
        vm.expectRevert(IGramVerifier.ProofRejected.selector);
        verifier.verify(s.context, s.n, s.d, s.commitments, s.gram, s.proof);
    }

    function test_GivesThePrecompilesTheWholeOfEveryBundle() public {
        (uint256 powers,) = readSrs();
        verifier = new GramVerifier(powers, srs);
        string[7] memory names = bundles();
        for (uint256 k = 0; k < names.length; ++k) {
            Statement memory s = readStatement(names[k]);
            (bytes memory terms, bytes memory divisor) = plain.inputs(powers, srs, s);
            vm.expectCall(BLS12381.G1_MSM, terms);
            vm.expectCall(BLS12381.G2_MSM, divisor);
            verifier.verify(s.context, s.n, s.d, s.commitments, s.gram, s.proof);
        }
    }

    function expectInputs(Statement memory s, uint256 seed) internal {
        (bytes memory terms, bytes memory divisor) = plain.inputs(POWERS, srs, s);
        bytes memory sum = drawBytes(seed, "sum", G1_BYTES);
        bytes memory product = drawBytes(seed, "product", G2_BYTES);
        bytes memory difference = drawBytes(seed, "difference", G2_BYTES);
        vm.mockCall(BLS12381.G1_MSM, bytes(""), sum);
        vm.mockCall(BLS12381.G2_MSM, bytes(""), product);
        vm.mockCall(BLS12381.G2_ADD, bytes(""), difference);
        vm.mockCall(BLS12381.PAIRING_CHECK, bytes(""), abi.encode(1));

        bytes memory witness = new bytes(G1_BYTES);
        for (uint256 k = 0; k < G1_BYTES; ++k) {
            witness[k] = s.proof[s.proof.length - SCALAR_BYTES - G1_BYTES + k];
        }
        vm.expectCall(BLS12381.G1_MSM, terms, 2);
        vm.expectCall(BLS12381.G2_MSM, divisor, 2);
        vm.expectCall(BLS12381.G2_ADD, bytes.concat(product, srs.g2Tau2), 2);
        vm.expectCall(BLS12381.PAIRING_CHECK, bytes.concat(sum, srs.g2One, witness, difference), 2);
    }

    /// @dev Random bytes for points and entries, random scalars below the order.
    function draw(uint256 seed, uint256 n, uint256 d) internal view returns (Statement memory s) {
        uint256 blocks = verifier.blocksOf(d);
        s.context = keccak256(abi.encode(seed));
        s.n = n;
        s.d = d;
        s.commitments = drawBytes(seed, "commitments", G1_BYTES * n * blocks);
        s.gram = drawBytes(seed, "gram", 4 * n * (n + 1));
        s.proof = bytes.concat(
            drawBytes(seed, "M", G1_BYTES * blocks),
            drawScalars(seed, "t0", 1),
            drawBytes(seed, "S", G1_BYTES),
            drawScalars(seed, "a, a', s", 2 * blocks + 1),
            drawBytes(seed, "W", G1_BYTES),
            drawScalars(seed, "omega", 1)
        );
    }

    function drawBytes(uint256 seed, string memory what, uint256 size) internal pure returns (bytes memory data) {
        data = new bytes(size);
        for (uint256 k = 0; k < size; ++k) {
            data[k] = keccak256(abi.encode(seed, what, k / 32))[k % 32];
        }
    }

    function drawScalars(uint256 seed, string memory what, uint256 count) internal pure returns (bytes memory data) {
        for (uint256 k = 0; k < count; ++k) {
            data = bytes.concat(data, bytes32(uint256(keccak256(abi.encode(seed, what, k))) % ORDER));
        }
    }
}
