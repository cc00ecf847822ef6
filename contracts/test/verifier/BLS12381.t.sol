// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GramVerifier} from "../../src/GramVerifier.sol";
import {IGramVerifier} from "../../src/interfaces/IGramVerifier.sol";
import {BLS12381, G1_BYTES, G2_BYTES, ORDER, PAIR_BYTES, TERM_BYTES} from "../../src/libraries/BLS12381.sol";
import {Vectors} from "./Vectors.sol";

/// @notice The library behind external calls, so that reverts and gas can be seen.
contract BLS12381Harness {
    function msm(bytes memory terms) external view returns (bytes memory sum) {
        sum = new bytes(G1_BYTES);
        (uint256 input, uint256 output) = (pointer(terms), pointer(sum));
        BLS12381.msm(input, terms.length / TERM_BYTES, output);
    }

    function multiplyG2(bytes memory term) external view returns (bytes memory product) {
        product = new bytes(G2_BYTES);
        BLS12381.multiplyG2(pointer(term), pointer(product));
    }

    function addG2(bytes memory points) external view returns (bytes memory sum) {
        sum = new bytes(G2_BYTES);
        BLS12381.addG2(pointer(points), pointer(sum));
    }

    function isPairingOne(bytes memory pairs) external view returns (bool) {
        return BLS12381.isPairingOne(pairs);
    }

    function negate(bytes memory point) external view returns (bytes memory) {
        return BLS12381.negate(point);
    }

    function inverse(uint256 x) external view returns (uint256) {
        return BLS12381.inverse(x);
    }

    function isAvailable() external view returns (bool) {
        return BLS12381.isAvailable();
    }

    function pointer(bytes memory data) private pure returns (uint256 at) {
        assembly ("memory-safe") {
            at := add(data, 32)
        }
    }
}

contract BLS12381Test is Vectors {
    BLS12381Harness internal bls = new BLS12381Harness();
    GramVerifier.Srs internal srs;

    /// @dev On the curve, but of an order that divides the cofactor: `(0, 2)`.
    bytes internal outsideSubgroup = abi.encodePacked(uint256(0), uint256(0), uint256(0), uint256(2));

    function setUp() public {
        (, srs) = readSrs();
    }

    function test_RevertWhen_PointIsOffTheCurve() public {
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidPoint.selector, BLS12381.G1_MSM));
        bls.negate(abi.encodePacked(uint256(0), uint256(1), uint256(0), uint256(1)));
    }

    function test_RevertWhen_PointIsOutsideTheSubgroup() public {
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidPoint.selector, BLS12381.G1_MSM));
        bls.negate(outsideSubgroup);
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidPoint.selector, BLS12381.PAIRING_CHECK));
        bls.isPairingOne(bytes.concat(outsideSubgroup, srs.g2One));
    }

    function test_RevertWhen_PrecompileIsMissing() public {
        vm.mockCall(BLS12381.G1_MSM, bytes(""), bytes(""));
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidPoint.selector, BLS12381.G1_MSM));
        bls.negate(srs.g1One);
        assertFalse(bls.isAvailable());
    }

    function test_RevertWhen_PrecompileReturnsTooMuch() public {
        vm.mockCall(BLS12381.PAIRING_CHECK, bytes(""), abi.encode(1, 1));
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidPoint.selector, BLS12381.PAIRING_CHECK));
        bls.isPairingOne(bytes.concat(srs.g1One, srs.g2One));
        assertFalse(bls.isAvailable());
    }

    function test_IsUnavailableWherePairingsAlwaysHold() public {
        vm.mockCall(BLS12381.PAIRING_CHECK, bytes(""), abi.encode(1));
        assertFalse(bls.isAvailable());
    }

    function test_IsUnavailableWherePairingsNeverHold() public {
        vm.mockCall(BLS12381.PAIRING_CHECK, bytes(""), abi.encode(0));
        assertFalse(bls.isAvailable());
    }

    function test_IsUnavailableWhereTheSecondGroupIsMissing() public {
        address[2] memory precompiles = [BLS12381.G2_ADD, BLS12381.G2_MSM];
        for (uint256 k = 0; k < 2; ++k) {
            vm.mockCall(precompiles[k], bytes(""), bytes(""));
            assertFalse(bls.isAvailable());
            vm.mockCall(precompiles[k], bytes(""), srs.g2One); // always the same answer
            assertFalse(bls.isAvailable());
            vm.clearMockedCalls();
        }
    }

    function test_IsAvailableHere() public view {
        assertTrue(bls.isAvailable());
    }

    /// forge-config: default.evm_version = "cancun"
    function test_IsUnavailableBeforePrague() public {
        assertFalse(bls.isAvailable());
    }

    function test_NegatesAndAdds() public view {
        bytes memory minusOne = bls.negate(srs.g1One);
        assertEq(bls.negate(minusOne), srs.g1One, "-(-P)");
        bytes memory nothing = bls.msm(bytes.concat(srs.g1One, bytes32(uint256(7)), minusOne, bytes32(uint256(7))));
        assertEq(nothing, new bytes(G1_BYTES), "7P - 7P");
    }

    function test_PairingIsBilinear() public view {
        bytes memory sixfold = bls.msm(bytes.concat(srs.g1One, bytes32(ORDER - 6)));
        bytes memory threefold = bls.msm(bytes.concat(srs.g1One, bytes32(uint256(3))));
        assertTrue(bls.isPairingOne(bytes.concat(sixfold, srs.g2One, threefold, srs.g2One, threefold, srs.g2One)));
        assertFalse(bls.isPairingOne(bytes.concat(sixfold, srs.g2One, threefold, srs.g2One)));
    }

    function test_SecondGroupMultipliesAndAdds() public view {
        bytes memory fivefold = bls.multiplyG2(bytes.concat(srs.g2One, bytes32(uint256(5))));
        bytes memory sixfold = bls.addG2(bytes.concat(fivefold, srs.g2One));
        assertEq(sixfold, bls.multiplyG2(bytes.concat(srs.g2One, bytes32(uint256(6)))));
        assertEq(
            bls.addG2(bytes.concat(sixfold, bls.multiplyG2(bytes.concat(srs.g2One, bytes32(ORDER - 6))))),
            new bytes(256)
        );
        bytes memory minusSixfold = bls.msm(bytes.concat(srs.g1One, bytes32(ORDER - 6)));
        assertTrue(bls.isPairingOne(bytes.concat(srs.g1One, sixfold, minusSixfold, srs.g2One)));
    }

    function test_PricesOfTheSecondGroupAreThoseOfTheChain() public view {
        assertPrice(BLS12381.G2_ADD, new bytes(2 * G2_BYTES), BLS12381.G2_ADD_GAS);
        assertPrice(BLS12381.G2_MSM, new bytes(G2_BYTES + 32), BLS12381.G2_MUL_GAS);
    }

    /// @dev The precompile itself says what it costs: it succeeds with the price and fails with one unit less.
    function test_PricesOfMsmAreThoseOfTheChain() public view {
        for (uint256 terms = 1; terms <= 130; ++terms) {
            bytes memory input = new bytes(terms * TERM_BYTES); // infinity, times 0
            assertPrice(BLS12381.G1_MSM, input, BLS12381.msmGas(terms));
        }
    }

    function test_PricesOfPairingsAreThoseOfTheChain() public view {
        for (uint256 pairs = 1; pairs <= 4; ++pairs) {
            assertPrice(BLS12381.PAIRING_CHECK, new bytes(pairs * PAIR_BYTES), BLS12381.pairingGas(pairs));
        }
    }

    function assertPrice(address precompile, bytes memory input, uint256 price) internal view {
        (bool enough,) = precompile.staticcall{gas: price}(input);
        (bool tooLittle,) = precompile.staticcall{gas: price - 1}(input);
        assertTrue(enough, "the price is enough");
        assertFalse(tooLittle, "one less is not");
    }

    /// @dev The plain twin of the library's assembly is Solidity's own way to call an address.
    function testFuzz_CallsLikeItsPlainTwin(uint256 seed) public view {
        bytes memory term = bytes.concat(draw(seed, "first"), keccak256(abi.encode(seed)));
        bytes memory terms = bytes.concat(term, draw(seed, "second"), keccak256(abi.encode(seed, seed)));
        bytes memory minusOne = bytes.concat(draw(seed, "first"), bytes32(ORDER - 1));
        assertTwins(BLS12381.G1_MSM, terms, abi.encodeCall(bls.msm, (terms)));
        assertTwins(BLS12381.G1_MSM, minusOne, abi.encodeCall(bls.negate, (draw(seed, "first"))));

        bytes memory scaled = bytes.concat(drawG2(seed, "first"), keccak256(abi.encode(seed)));
        bytes memory pointsG2 = bytes.concat(drawG2(seed, "first"), drawG2(seed, "second"));
        assertTwins(BLS12381.G2_MSM, scaled, abi.encodeCall(bls.multiplyG2, (scaled)));
        assertTwins(BLS12381.G2_ADD, pointsG2, abi.encodeCall(bls.addG2, (pointsG2)));

        bytes memory pairs = bytes.concat(draw(seed, "third"), drawG2(seed, "third"));
        assertTwins(BLS12381.PAIRING_CHECK, pairs, abi.encodeCall(bls.isPairingOne, (pairs)));
        pairs = bytes.concat(draw(seed, "first"), drawG2(seed, "first"), draw(seed, "second"), drawG2(seed, "second"));
        assertTwins(BLS12381.PAIRING_CHECK, pairs, abi.encodeCall(bls.isPairingOne, (pairs)));
    }

    /// @dev The same answer, or else the error that names the precompile.
    function assertTwins(address precompile, bytes memory input, bytes memory call) internal view {
        (bool isGood, bytes memory expected) = precompile.staticcall{gas: 200_000}(input);
        (bool success, bytes memory answer) = address(bls).staticcall(call);
        assertEq(success, isGood);
        if (isGood && expected.length > 32) answer = abi.decode(answer, (bytes));
        assertEq(answer, isGood ? expected : abi.encodeWithSelector(IGramVerifier.InvalidPoint.selector, precompile));
    }

    /// @dev Good points mostly: a bad one makes the whole call fail.
    function draw(uint256 seed, string memory which) internal view returns (bytes memory) {
        uint256 k = uint256(keccak256(abi.encode(seed, which))) % 16;
        if (k == 0) return outsideSubgroup;
        if (k == 1) return abi.encodePacked(uint256(0), uint256(1), uint256(0), uint256(1));
        if (k == 2) return new bytes(G1_BYTES);
        return k < 9 ? srs.g1One : srs.g1Tau;
    }

    function drawG2(uint256 seed, string memory which) internal view returns (bytes memory) {
        uint256 k = uint256(keccak256(abi.encode(seed, which, "G2"))) % 16;
        if (k == 0) return abi.encodePacked(new bytes(G2_BYTES - 1), bytes1(0x01));
        if (k == 1) return new bytes(G2_BYTES);
        return k < 9 ? srs.g2One : srs.g2Tau;
    }

    /// @dev Fermat's, by squaring and multiplying.
    function testFuzz_InverseEqualsItsPlainTwin(uint256 x) public view {
        x = bound(x, 1, ORDER - 1);
        (uint256 expected, uint256 square) = (1, x);
        for (uint256 exponent = ORDER - 2; exponent > 0; exponent /= 2) {
            if (exponent % 2 == 1) expected = mulmod(expected, square, ORDER);
            square = mulmod(square, square, ORDER);
        }
        assertEq(bls.inverse(x), expected);
    }

    function testFuzz_InverseTimesItselfIsOne(uint256 x) public view {
        x = bound(x, 1, ORDER - 1);
        assertEq(mulmod(x, bls.inverse(x), ORDER), 1);
    }

    /// @dev Whatever the gas: the right answer, `InsufficientGas`, or nothing at all. Never `InvalidPoint`.
    function test_LackOfGasIsNeverTakenForAnInvalidPoint() public view {
        bytes memory call = abi.encodeCall(bls.negate, (srs.g1One));
        uint256 reported = 0;
        for (uint256 gas_ = 500; gas_ < 25_000; gas_ += 97) {
            (bool success, bytes memory answer) = address(bls).staticcall{gas: gas_}(call);
            if (success || answer.length == 0) continue;
            assertEq(bytes4(answer), IGramVerifier.InsufficientGas.selector);
            ++reported;
        }
        assertGt(reported, 100);
    }

    /// @dev The larger the call, the more of the gas its caller must keep (EIP-150).
    function test_LackOfGasIsNeverTakenForAnInvalidPointInALargeCall() public view {
        bytes memory terms = new bytes(256 * TERM_BYTES);
        bytes memory call = abi.encodeCall(bls.msm, (terms));
        uint256 reported = 0;
        bool success = false;
        for (uint256 gas_ = BLS12381.msmGas(256); !success; gas_ += 251) {
            bytes memory answer;
            (success, answer) = address(bls).staticcall{gas: gas_}(call);
            if (success || answer.length == 0) continue;
            assertEq(bytes4(answer), IGramVerifier.InsufficientGas.selector);
            ++reported;
        }
        assertGt(reported, 50);
    }

    function test_RefusesEveryPrecompileCallThatGasDoesNotCover() public {
        vm.expectPartialRevert(IGramVerifier.InsufficientGas.selector);
        bls.inverse{gas: 5_000}(3);
        vm.expectPartialRevert(IGramVerifier.InsufficientGas.selector);
        bls.isPairingOne{gas: 70_000}(bytes.concat(srs.g1One, srs.g2One));
    }
}
