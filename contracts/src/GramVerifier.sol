// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGramVerifier} from "./interfaces/IGramVerifier.sol";
import {BLS12381, G1_BYTES, G2_BYTES, ORDER, PAIR_BYTES, SCALAR_BYTES, TERM_BYTES} from "./libraries/BLS12381.sol";
import {CodeData} from "./libraries/CodeData.sol";
import {ScalarField} from "./libraries/ScalarField.sol";

/// @title Verifier of the Gram proof (docs/proof.md section 6)
/// @dev The letters are the specification's: `n` rows, `d` coordinates, `B` blocks, challenges `r`, `z` and `γ`.
contract GramVerifier is IGramVerifier {
    /// @notice The points of an SRS that its verifier needs, in EIP-2537 form.
    struct Srs {
        bytes g1One; // [1]₁
        bytes g1Tau; // [τ]₁
        bytes blinding; // H
        bytes g2One; // [1]₂
        bytes g2Tau; // [τ]₂
        bytes g2Tau2; // [τ²]₂
    }

    /// @notice The most commitments `n·B` of one proof, so that a settlement fits a transaction (EIP-7825).
    uint256 public constant MAX_COMMITMENTS = 1_024;

    /// @notice Slots of a block that carry the prover's mask, `K`.
    uint256 public constant MASK_SLOTS = 8;

    bytes32 private constant DOMAIN = keccak256("steelyard/gram/v1");
    bytes1 private constant ROW_TAG = 0x01;
    bytes1 private constant POINT_TAG = 0x02;
    bytes1 private constant BATCH_TAG = 0x03;

    /// @dev Where the points lie in the code of `_srs`: in the order of `Srs`, behind its first byte.
    uint256 private constant G1_ONE_AT = 1;
    uint256 private constant G1_TAU_AT = G1_ONE_AT + G1_BYTES;
    uint256 private constant BLINDING_AT = G1_TAU_AT + G1_BYTES;
    uint256 private constant G2_ONE_AT = BLINDING_AT + G1_BYTES;
    uint256 private constant G2_TAU_AT = G2_ONE_AT + G2_BYTES;
    uint256 private constant G2_TAU2_AT = G2_TAU_AT + G2_BYTES;

    /// @dev What is opened, and where: the line `R = R0 + R1·X` goes through the values at `z` and at `1/z`.
    struct Opening {
        uint256 z;
        uint256 zPlusInverse;
        uint256 gamma;
        uint256 r0;
        uint256 r1;
    }

    /// @inheritdoc IGramVerifier
    uint256 public immutable powers;

    CodeData private immutable _srs;

    /// @param powers_ Number of powers in the SRS, `N`.
    /// @param srs_ Its points.
    /// @custom:reverts PrecompilesUnavailable, InvalidSrs, InvalidLength, InvalidPoint, InsufficientGas
    constructor(uint256 powers_, Srs memory srs_) {
        if (!BLS12381.isAvailable()) revert PrecompilesUnavailable();
        if (powers_ <= MASK_SLOTS || powers_ > type(uint32).max) revert InvalidSrs();
        _checkSrs(srs_);
        powers = powers_;
        _srs = new CodeData(bytes.concat(srs_.g1One, srs_.g1Tau, srs_.blinding, srs_.g2One, srs_.g2Tau, srs_.g2Tau2));
    }

    /// @notice The points that this verifier was deployed with: `[1]₁ ‖ [τ]₁ ‖ H ‖ [1]₂ ‖ [τ]₂ ‖ [τ²]₂`.
    function srs() external view returns (bytes memory points) {
        points = new bytes(3 * G1_BYTES + 3 * G2_BYTES);
        uint256 start;
        assembly ("memory-safe") {
            start := add(points, 32)
        }
        _copySrs(start, G1_ONE_AT, points.length);
    }

    /// @inheritdoc IGramVerifier
    function blocksOf(uint256 d) public view returns (uint256) {
        uint256 payload = powers - MASK_SLOTS;
        return d / payload + (d % payload == 0 ? 0 : 1);
    }

    /// @inheritdoc IGramVerifier
    function verify(
        bytes32 context,
        uint256 n,
        uint256 d,
        bytes calldata commitments,
        bytes calldata gram,
        bytes calldata proof
    ) external view {
        if (n == 0 || d == 0 || d > type(uint32).max) revert InvalidSize(n, d);
        uint256 blocks = blocksOf(d);
        if (n > MAX_COMMITMENTS / blocks) revert InvalidSize(n, d);
        _checkLength(commitments.length, n * blocks * G1_BYTES);
        _checkLength(gram.length, 4 * n * (n + 1));
        _checkLength(proof.length, 192 * blocks + 352);

        bytes32 h0 = _hashStatement(context, n, d, blocks, commitments, gram, proof);
        uint256[] memory r = _rowChallenges(h0, n);
        uint256 c = addmod(ScalarField.read(proof, G1_BYTES * blocks), ScalarField.quadraticForm(r, gram), ORDER);
        Opening memory opening = _opening(h0, c, blocks, proof);
        _checkOpening(opening, r, blocks, commitments, proof);
    }

    // Transcript: everything that the prover could have chosen goes into the hash before the challenge is drawn.

    function _hashStatement(
        bytes32 context,
        uint256 n,
        uint256 d,
        uint256 blocks,
        bytes calldata commitments,
        bytes calldata gram,
        bytes calldata proof
    ) private view returns (bytes32 h0) {
        bytes memory sizes = abi.encodePacked(uint32(n), uint32(d), uint32(powers), uint32(blocks));
        bytes calldata masks = proof[:G1_BYTES * blocks + SCALAR_BYTES]; // M ‖ t0
        return keccak256(abi.encodePacked(DOMAIN, context, sizes, keccak256(commitments), keccak256(gram), masks));
    }

    function _rowChallenges(bytes32 h0, uint256 n) private pure returns (uint256[] memory r) {
        r = new uint256[](n);
        for (uint256 i = 0; i < n; ++i) {
            r[i] = uint256(keccak256(abi.encodePacked(h0, ROW_TAG, uint32(i)))) >> 128;
        }
    }

    function _opening(bytes32 h0, uint256 c, uint256 blocks, bytes calldata proof)
        private
        view
        returns (Opening memory opening)
    {
        uint256 at = G1_BYTES * blocks + SCALAR_BYTES;
        bytes32 h1 = keccak256(abi.encodePacked(h0, POINT_TAG, proof[at:at + G1_BYTES])); // Ŝ
        opening.z = _evaluationPoint(h1);
        at += G1_BYTES;
        bytes calldata values = proof[at:at + 2 * SCALAR_BYTES * blocks + SCALAR_BYTES]; // a ‖ a' ‖ s
        opening.gamma = uint256(keccak256(abi.encodePacked(h1, BATCH_TAG, values))) % ORDER;
        _interpolate(opening, c, blocks, values);
    }

    /// @dev 0 has no inverse; 1 and -1 are their own, and one point determines no line.
    function _evaluationPoint(bytes32 h1) internal pure returns (uint256 z) {
        z = uint256(h1) % ORDER;
        if (z < 2 || z == ORDER - 1) revert DegenerateChallenge(z);
    }

    /// @dev Fills in `z + 1/z`, `R0` and `R1`.
    function _interpolate(Opening memory opening, uint256 c, uint256 blocks, bytes calldata values) private view {
        uint256 z = opening.z;
        (uint256 y, uint256 yInverse) = _batchValues(z, opening.gamma, c, blocks, values);
        // One inverse serves both divisions: 1/z = (z² - 1)·i and 1/(z - 1/z) = z²·i for i = 1/(z·(z² - 1)).
        uint256 square = mulmod(z, z, ORDER);
        uint256 inverse = BLS12381.inverse(mulmod(z, square - 1, ORDER));
        opening.zPlusInverse = addmod(z, mulmod(square - 1, inverse, ORDER), ORDER);
        opening.r1 = mulmod(ScalarField.subtract(y, yInverse), mulmod(square, inverse, ORDER), ORDER);
        opening.r0 = ScalarField.subtract(y, mulmod(opening.r1, z, ORDER));
    }

    /// @dev The batched polynomial's values at `z` and at `1/z`; `s'` follows from the identity that is being proved.
    function _batchValues(uint256 z, uint256 gamma, uint256 c, uint256 blocks, bytes calldata values)
        private
        pure
        returns (uint256 y, uint256 yInverse)
    {
        uint256 power = 1;
        uint256 product = 0;
        for (uint256 b = 0; b < blocks; ++b) {
            uint256 a = ScalarField.read(values, SCALAR_BYTES * b);
            uint256 aInverse = ScalarField.read(values, SCALAR_BYTES * (blocks + b));
            y = addmod(y, mulmod(power, a, ORDER), ORDER);
            yInverse = addmod(yInverse, mulmod(power, aInverse, ORDER), ORDER);
            product = addmod(product, mulmod(a, aInverse, ORDER), ORDER);
            power = mulmod(power, gamma, ORDER);
        }
        uint256 s = ScalarField.read(values, 2 * SCALAR_BYTES * blocks);
        y = addmod(y, mulmod(power, s, ORDER), ORDER);
        s = mulmod(z, ScalarField.subtract(ScalarField.subtract(product, c), mulmod(z, s, ORDER)), ORDER); // s'
        yInverse = addmod(yInverse, mulmod(power, s, ORDER), ORDER);
    }

    /// @dev The specification's equation with every sign turned, so that `W` enters the pairing as it was sent, and with
    /// both of its pairings made one: `e(-X, [1]₂)·e(W, [τ²]₂ - (z + 1/z)·[τ]₂) = 1`.
    function _checkOpening(
        Opening memory opening,
        uint256[] memory r,
        uint256 blocks,
        bytes calldata commitments,
        bytes calldata proof
    ) private view {
        uint256 terms = _allocate(TERM_BYTES * (r.length * blocks + blocks + 5));
        uint256 pairs = _allocate(2 * PAIR_BYTES);
        uint256 witness = _at(proof, 192 * blocks + 192);

        uint256 end = _writeProofTerms(terms, opening.gamma, r, blocks, commitments, proof);
        end = _writeTerm(end, witness, 1);
        end = _writeSrsTerm(end, BLINDING_AT, ScalarField.read(proof, 192 * blocks + 192 + G1_BYTES)); // ω
        end = _writeSrsTerm(end, G1_ONE_AT, opening.r0);
        end = _writeSrsTerm(end, G1_TAU_AT, opening.r1);
        BLS12381.msm(terms, (end - terms) / TERM_BYTES, pairs);
        _copySrs(pairs + G1_BYTES, G2_ONE_AT, G2_BYTES);

        _copyPoint(pairs + PAIR_BYTES, witness);
        _writeDivisor(pairs + PAIR_BYTES + G1_BYTES, opening.zPlusInverse);
        if (!BLS12381.isPairingOne(pairs, 2)) revert ProofRejected();
    }

    /// @dev `[τ²]₂ - (z + 1/z)·[τ]₂`. One multiplication in G2 costs less than one in G1 and a pairing.
    function _writeDivisor(uint256 to, uint256 zPlusInverse) private view {
        uint256 points = _allocate(2 * G2_BYTES);
        _copySrs(points, G2_TAU_AT, G2_BYTES);
        assembly ("memory-safe") {
            mstore(add(points, G2_BYTES), sub(ORDER, zPlusInverse))
        }
        BLS12381.multiplyG2(points, points);
        _copySrs(points + G2_BYTES, G2_TAU2_AT, G2_BYTES);
        BLS12381.addG2(points, to);
    }

    /// @dev `-Σ r_i γ^b C_i^b - Σ γ^b M_b - γ^B Ŝ`, as terms. Returns where they end.
    function _writeProofTerms(
        uint256 at,
        uint256 gamma,
        uint256[] memory r,
        uint256 blocks,
        bytes calldata commitments,
        bytes calldata proof
    ) private pure returns (uint256) {
        uint256 power = ORDER - 1;
        uint256 masks = _at(proof, 0);
        for (uint256 b = 0; b < blocks; ++b) {
            at = _writeRowTerms(at, r, power, _at(commitments, G1_BYTES * b), G1_BYTES * blocks);
            at = _writeTerm(at, masks + G1_BYTES * b, power);
            power = mulmod(power, gamma, ORDER);
        }
        return _writeTerm(at, masks + G1_BYTES * blocks + SCALAR_BYTES, power);
    }

    /// @dev `power·r_i` times the points of one block, which lie `stride` bytes apart.
    function _writeRowTerms(uint256 at, uint256[] memory r, uint256 power, uint256 point, uint256 stride)
        private
        pure
        returns (uint256)
    {
        for (uint256 i = 0; i < r.length; ++i) {
            at = _writeTerm(at, point, mulmod(r[i], power, ORDER));
            point += stride;
        }
        return at;
    }

    // Calldata and memory. Offsets into calldata are safe because `verify` has checked every length.

    function _checkLength(uint256 actual, uint256 expected) private pure {
        if (actual != expected) revert InvalidLength(actual, expected);
    }

    function _at(bytes calldata data, uint256 offset) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(data.offset, offset)
        }
    }

    function _allocate(uint256 size) private pure returns (uint256 pointer) {
        bytes memory buffer = new bytes(size);
        assembly ("memory-safe") {
            pointer := add(buffer, 32)
        }
    }

    function _copyPoint(uint256 to, uint256 from) private pure {
        assembly ("memory-safe") {
            calldatacopy(to, from, G1_BYTES)
        }
    }

    function _writeTerm(uint256 at, uint256 point, uint256 scalar) private pure returns (uint256 end) {
        assembly ("memory-safe") {
            calldatacopy(at, point, G1_BYTES)
            mstore(add(at, G1_BYTES), scalar)
            end := add(at, TERM_BYTES)
        }
    }

    function _writeSrsTerm(uint256 at, uint256 point, uint256 scalar) private view returns (uint256 end) {
        _copySrs(at, point, G1_BYTES);
        assembly ("memory-safe") {
            mstore(add(at, G1_BYTES), scalar)
            end := add(at, TERM_BYTES)
        }
    }

    function _copySrs(uint256 to, uint256 from, uint256 size) private view {
        address source = address(_srs);
        assembly ("memory-safe") {
            extcodecopy(source, to, from, size)
        }
    }

    // Deployment

    /// @dev `[τ]₁` and `[τ]₂` hide the same number, which is not 0, `[τ²]₂` its square, and every point is in its group.
    function _checkSrs(Srs memory points) private view {
        _checkLength(points.g1One.length, G1_BYTES);
        _checkLength(points.g1Tau.length, G1_BYTES);
        _checkLength(points.blinding.length, G1_BYTES);
        _checkLength(points.g2One.length, G2_BYTES);
        _checkLength(points.g2Tau.length, G2_BYTES);
        _checkLength(points.g2Tau2.length, G2_BYTES);
        bytes memory minusOne = BLS12381.negate(points.g1One);
        bool isSrs = !BLS12381.isPairingOne(bytes.concat(points.g1Tau, points.g2One))
            && !BLS12381.isPairingOne(bytes.concat(points.blinding, points.g2One))
            && BLS12381.isPairingOne(bytes.concat(points.g1Tau, points.g2One, minusOne, points.g2Tau))
            && BLS12381.isPairingOne(bytes.concat(points.g1Tau, points.g2Tau, minusOne, points.g2Tau2));
        if (!isSrs) revert InvalidSrs();
    }
}
