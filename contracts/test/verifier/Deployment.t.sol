// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GramVerifier} from "../../src/GramVerifier.sol";
import {IGramVerifier} from "../../src/interfaces/IGramVerifier.sol";
import {BLS12381, G1_BYTES, G2_BYTES} from "../../src/libraries/BLS12381.sol";
import {CodeData} from "../../src/libraries/CodeData.sol";
import {Vectors} from "./Vectors.sol";

contract DeploymentTest is Vectors {
    uint256 internal powers;
    GramVerifier.Srs internal srs;

    function setUp() public {
        (powers, srs) = readSrs();
    }

    /// forge-config: default.evm_version = "cancun"
    function test_RevertWhen_TheChainHasNoPrecompiles() public {
        vm.expectRevert(IGramVerifier.PrecompilesUnavailable.selector);
        new GramVerifier(powers, srs);
    }

    function test_RevertWhen_PairingsAlwaysHold() public {
        vm.mockCall(BLS12381.PAIRING_CHECK, bytes(""), abi.encode(1));
        vm.expectRevert(IGramVerifier.PrecompilesUnavailable.selector);
        new GramVerifier(powers, srs);
    }

    function test_RevertWhen_ThereIsNoRoomForAPayload() public {
        vm.expectRevert(IGramVerifier.InvalidSrs.selector);
        new GramVerifier(8, srs);
    }

    function test_RevertWhen_ThePowersDoNotFitTheTranscript() public {
        vm.expectRevert(IGramVerifier.InvalidSrs.selector);
        new GramVerifier(1 << 32, srs);
    }

    function test_RevertWhen_APointIsTruncated() public {
        srs.blinding = new bytes(G1_BYTES - 1);
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidLength.selector, G1_BYTES - 1, G1_BYTES));
        new GramVerifier(powers, srs);
    }

    function test_RevertWhen_APointIsOffTheCurve() public {
        srs.g1One = abi.encodePacked(uint256(0), uint256(1), uint256(0), uint256(1));
        vm.expectRevert(abi.encodeWithSelector(IGramVerifier.InvalidPoint.selector, BLS12381.G1_MSM));
        new GramVerifier(powers, srs);
    }

    function test_RevertWhen_TheGroupsHideDifferentNumbers() public {
        srs.g1Tau = srs.blinding;
        expectInvalidSrs();
    }

    function test_RevertWhen_ThePowersOfTheSecondGroupAreNot() public {
        srs.g2Tau2 = srs.g2Tau;
        expectInvalidSrs();
    }

    function test_RevertWhen_TheSecretIsZero() public {
        srs.g1Tau = new bytes(G1_BYTES);
        srs.g2Tau = new bytes(G2_BYTES);
        srs.g2Tau2 = new bytes(G2_BYTES);
        expectInvalidSrs();
    }

    function test_RevertWhen_TheBlindingGeneratorIsInfinity() public {
        srs.blinding = new bytes(G1_BYTES);
        expectInvalidSrs();
    }

    function test_ShowsWhatItWasDeployedWith() public {
        GramVerifier verifier = new GramVerifier(powers, srs);
        assertEq(verifier.powers(), powers);
        assertEq(verifier.srs(), bytes.concat(srs.g1One, srs.g1Tau, srs.blinding, srs.g2One, srs.g2Tau, srs.g2Tau2));
    }

    function testFuzz_DataIsKeptBehindAStop(bytes memory data) public {
        assertEq(address(new CodeData(data)).code, bytes.concat(hex"00", data));
    }

    function test_FitsTheCodeSizeLimit() public {
        assertLt(address(new GramVerifier(powers, srs)).code.length, 24_576);
    }

    function expectInvalidSrs() internal {
        vm.expectRevert(IGramVerifier.InvalidSrs.selector);
        new GramVerifier(powers, srs);
    }
}
