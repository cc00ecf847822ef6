// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IGramVerifier} from "../interfaces/IGramVerifier.sol";

/// @dev Order `r` of the groups.
uint256 constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

/// @dev Bytes of an encoded scalar, and of a point: its coordinates, 64 bytes each, big-endian.
uint256 constant SCALAR_BYTES = 32;
uint256 constant G1_BYTES = 128;
uint256 constant G2_BYTES = 256;

/// @dev Bytes of one term of a multi-scalar multiplication: a G1 point, then its scalar.
uint256 constant TERM_BYTES = 160;

/// @dev Bytes of one pair of a pairing check: a G1 point, then a G2 point.
uint256 constant PAIR_BYTES = 384;

/// @title The BLS12-381 precompiles of EIP-2537, and the inverse modulo the group order
/// @notice Inputs and outputs are memory pointers, so that a caller builds its input once and in place.
/// @dev A precompile that fails burns all gas that it was given. So every call gets its exact price plus a margin, and is
/// made only when that much is there: a failure then means a bad input, never a lack of gas.
/// @dev Assumes the prices of EIP-2537 (and for modular exponentiation the higher one of EIP-2565 and EIP-7883). A fork
/// that raises them makes every call fail, it never makes one pass.
library BLS12381 {
    address internal constant MODEXP = address(0x05);
    address internal constant G1_MSM = address(0x0c);
    address internal constant G2_ADD = address(0x0d);
    address internal constant G2_MSM = address(0x0e);
    address internal constant PAIRING_CHECK = address(0x0f);

    /// @dev EIP-7883: 16 for a modulus of 32 bytes, times 254 squarings for the exponent `r - 2`.
    uint256 private constant MODEXP_GAS = 4_064;

    uint256 internal constant G2_ADD_GAS = 600;
    uint256 internal constant G2_MUL_GAS = 22_500;

    /// @dev Forwarded above the price: nothing that is spent, only a guard against an off-by-one in a client.
    uint256 private constant MARGIN_GAS = 200;

    /// @dev Kept back from a call: its own fee, and what it takes to report its failure.
    uint256 private constant RESERVE_GAS = 1_500;

    /// @dev Discounts of EIP-2537 in thousandths for 1 to 128 terms, two bytes each.
    bytes private constant DISCOUNTS = hex"03e803b50350031d02fc02ee02e202d802cf02c802c102ba02b402af02aa02a502a1029d029902950292028e028b0288"
        hex"028502820280027d027b0278027602730271026f026d026b026902670265026302610260025e025c025b025902570256"
        hex"0254025302510250024f024d024c024a02490248024602450244024302410240023f023e023d023c023a023902380237"
        hex"0236023502340233023202310230022f022e022d022c022b022a02290228022702260225022402230223022202210220"
        hex"021f021e021d021c021c021b021a0219021802180217021602150214021402130212021102100210020f020e020d020d"
        hex"020c020b020a020a0209020802080207";

    /// @notice Price of a multi-scalar multiplication of `terms ≥ 1` in G1.
    function msmGas(uint256 terms) internal pure returns (uint256) {
        bytes memory discounts = DISCOUNTS;
        uint256 last = discounts.length / 2;
        uint256 entry = terms < last ? terms : last;
        uint256 discount;
        // Reads two bytes in bounds: 1 ≤ entry ≤ 128, and they end at byte `2·entry`.
        assembly ("memory-safe") {
            discount := and(mload(add(discounts, shl(1, entry))), 0xffff)
        }
        return terms * 12_000 * discount / 1_000;
    }

    /// @notice Price of a pairing check of `pairs ≥ 1`.
    function pairingGas(uint256 pairs) internal pure returns (uint256) {
        return 37_700 + 32_600 * pairs;
    }

    /// @notice Writes the sum of `terms` scaled points at `input` to `output`.
    /// @custom:reverts InsufficientGas, InvalidPoint
    function msm(uint256 input, uint256 terms, uint256 output) internal view {
        _call(G1_MSM, msmGas(terms), input, terms * TERM_BYTES, output, G1_BYTES);
    }

    /// @notice Writes the point of G2 at `input`, times the scalar behind it, to `output`.
    /// @custom:reverts InsufficientGas, InvalidPoint
    function multiplyG2(uint256 input, uint256 output) internal view {
        _call(G2_MSM, G2_MUL_GAS, input, G2_BYTES + SCALAR_BYTES, output, G2_BYTES);
    }

    /// @notice Writes the sum of the two points of G2 at `input` to `output`.
    /// @custom:reverts InsufficientGas, InvalidPoint
    function addG2(uint256 input, uint256 output) internal view {
        _call(G2_ADD, G2_ADD_GAS, input, 2 * G2_BYTES, output, G2_BYTES);
    }

    /// @notice Whether the product of the pairings of the `pairs` at `input` is one. Overwrites the first word of `input`.
    /// @custom:reverts InsufficientGas, InvalidPoint
    function isPairingOne(uint256 input, uint256 pairs) internal view returns (bool isOne) {
        _call(PAIRING_CHECK, pairingGas(pairs), input, pairs * PAIR_BYTES, input, 32);
        assembly ("memory-safe") {
            isOne := eq(mload(input), 1)
        }
    }

    /// @notice The same for pairs in a byte string. Overwrites its first word.
    function isPairingOne(bytes memory pairs) internal view returns (bool) {
        return isPairingOne(_pointer(pairs), pairs.length / PAIR_BYTES);
    }

    /// @notice `-P` for a point `P` of G1.
    /// @custom:reverts InsufficientGas, InvalidPoint
    function negate(bytes memory point) internal view returns (bytes memory negated) {
        bool success;
        (success, negated) = _tryNegate(point);
        if (!success) revert IGramVerifier.InvalidPoint(G1_MSM);
    }

    /// @notice `1/x` modulo the group order, for `x` that is not a multiple of it.
    /// @custom:reverts InsufficientGas, InvalidPoint
    function inverse(uint256 x) internal view returns (uint256 y) {
        bytes memory input = abi.encode(32, 32, 32, x, ORDER - 2, ORDER);
        uint256 start = _pointer(input);
        _call(MODEXP, MODEXP_GAS, start, input.length, start, 32);
        assembly ("memory-safe") {
            y := mload(start)
        }
    }

    /// @notice Whether this chain has the precompiles, by known answers: with the generators `P` and `Q`,
    /// `e(P, Q)·e((r-1)·P, Q)` and `e(P, Q)·e(P, Q)·e(P, (r-1)·(Q + Q))` are one and `e(P, Q)·e(P, Q)` is not.
    /// @dev For constructors: spends up to 800,000 gas.
    function isAvailable() internal view returns (bool) {
        bytes memory p = hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58"
            hex"6c55e83ff97a1aeffb3af00adb22c6bb0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4"
            hex"fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1";
        bytes memory q = hex"00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d177"
            hex"0bac0326a805bbefd48056c8c121bdb80000000000000000000000000000000013e02b6052719f607dacd3a088274f65"
            hex"596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e00000000000000000000000000000000"
            hex"0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
            hex"000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab"
            hex"3f370d275cec1da1aaa9075ff05f79be";
        (bool isComputed, bytes memory minusP) = _tryNegate(p);
        isComputed = isComputed && _answers(bytes.concat(p, q, minusP, q), 1);
        isComputed = isComputed && _answers(bytes.concat(p, q, p, q), 0);
        if (!isComputed) return false;
        bytes memory minusTwoQ;
        (isComputed, minusTwoQ) = _tryNegateTwice(q);
        return isComputed && _answers(bytes.concat(p, q, p, q, p, minusTwoQ), 1);
    }

    function _answers(bytes memory pairs, uint256 expected) private view returns (bool isExpected) {
        uint256 input = _pointer(pairs);
        if (!_tryCall(PAIRING_CHECK, pairingGas(pairs.length / PAIR_BYTES), input, pairs.length, input, 32)) {
            return false;
        }
        assembly ("memory-safe") {
            isExpected := eq(mload(input), expected)
        }
    }

    function _tryNegate(bytes memory point) private view returns (bool success, bytes memory negated) {
        bytes memory term = bytes.concat(point, bytes32(ORDER - 1));
        negated = new bytes(G1_BYTES);
        success = _tryCall(G1_MSM, msmGas(1), _pointer(term), TERM_BYTES, _pointer(negated), G1_BYTES);
    }

    /// @dev `(r-1)·(Q + Q)`.
    function _tryNegateTwice(bytes memory point) private view returns (bool success, bytes memory result) {
        bytes memory points = bytes.concat(point, point);
        result = bytes.concat(point, bytes32(ORDER - 1));
        success = _tryCall(G2_ADD, G2_ADD_GAS, _pointer(points), 2 * G2_BYTES, _pointer(result), G2_BYTES)
            && _tryCall(G2_MSM, G2_MUL_GAS, _pointer(result), G2_BYTES + SCALAR_BYTES, _pointer(points), G2_BYTES);
        result = points;
        assembly ("memory-safe") {
            mstore(result, G2_BYTES)
        }
    }

    function _pointer(bytes memory data) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(data, 32)
        }
    }

    function _call(
        address precompile,
        uint256 price,
        uint256 input,
        uint256 inputBytes,
        uint256 output,
        uint256 outputBytes
    ) private view {
        bool success = _tryCall(precompile, price, input, inputBytes, output, outputBytes);
        if (!success) revert IGramVerifier.InvalidPoint(precompile);
    }

    /// @dev A chain without the precompile answers with success and no data: hence the check of the size.
    function _tryCall(
        address precompile,
        uint256 price,
        uint256 input,
        uint256 inputBytes,
        uint256 output,
        uint256 outputBytes
    ) private view returns (bool success) {
        uint256 forwarded = price + MARGIN_GAS;
        // EIP-150: a call leaves its caller at least one part in 64.
        uint256 required = (forwarded + RESERVE_GAS) * 64 / 63 + 1;
        if (gasleft() < required) revert IGramVerifier.InsufficientGas(required, gasleft());
        assembly ("memory-safe") {
            success := staticcall(forwarded, precompile, input, inputBytes, output, outputBytes)
            success := and(success, eq(returndatasize(), outputBytes))
        }
    }
}
