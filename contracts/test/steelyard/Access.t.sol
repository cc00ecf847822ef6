// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Cid, ISteelyard, ProjectId} from "../../src/interfaces/ISteelyard.sol";
import {Base} from "./Base.t.sol";

/// @notice Who may speak of access to a confidential project. What is readable is decided by encryption.
contract AccessTest is Base {
    address private reader;

    function setUp() public override {
        super.setUp();
        reader = trainers[31];
        offer(alice);
        create();
        enrol(0, 3);
    }

    // ------------------------------------------------------------------------------------------------- publishKeys

    function test_RevertWhen_aStrangerPublishesKeys() public {
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NotEnrolled.selector, id, stranger));
        vm.prank(stranger);
        market.publishKeys(id, cidOf("manifest"));
    }

    function test_RevertWhen_keysArePublishedOfNoProject() public {
        ProjectId unknown = ProjectId.wrap("none");
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NotEnrolled.selector, unknown, owner));
        vm.prank(owner);
        market.publishKeys(unknown, cidOf("manifest"));
    }

    function test_RevertWhen_theManifestOfKeysIsNoCid() public {
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.InvalidCid.selector, bytes32(0), 0x55));
        vm.prank(owner);
        market.publishKeys(id, Cid(0, 0x55));
    }

    function test_ownerAndMembersPublishKeys() public {
        publishes(owner);
        publishes(trainers[2]);
        vm.prank(owner);
        market.start(id);
        publishes(trainers[0]);
    }

    function test_whoLeftARunningProjectStillPublishesKeys() public {
        vm.prank(owner);
        market.start(id);
        vm.prank(trainers[2]);
        market.leave(id);
        vm.warp(market.getRound(id).submitDeadline);
        vm.prank(stranger);
        market.poke(id);
        assertFalse(market.getMembers(id)[2].active);
        publishes(trainers[2]);
    }

    function test_RevertWhen_whoLeftBeforeTheStartPublishesKeys() public {
        vm.prank(trainers[2]);
        market.leave(id);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NotEnrolled.selector, id, trainers[2]));
        vm.prank(trainers[2]);
        market.publishKeys(id, cidOf("manifest"));
    }

    // ------------------------------------------------------------------------------------------------- grantAccess

    function test_RevertWhen_anybodyElseGrantsAccess() public {
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NotAuthorized.selector, trainers[0], owner));
        vm.prank(trainers[0]);
        market.grantAccess(id, reader, 0, cidOf("manifest"));
    }

    function test_RevertWhen_aGrantBeginsAfterTheLastModel() public {
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.InvalidParameter.selector, bytes32("fromRound"), ROUNDS + 1));
        vm.prank(owner);
        market.grantAccess(id, reader, ROUNDS + 1, cidOf("manifest"));
    }

    function test_RevertWhen_theReaderHasNoKey() public {
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.KeyMissing.selector, stranger));
        vm.prank(owner);
        market.grantAccess(id, stranger, 0, cidOf("manifest"));
    }

    function test_RevertWhen_theManifestOfAGrantIsNoCid() public {
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.InvalidCid.selector, bytes32("x"), 0x12));
        vm.prank(owner);
        market.grantAccess(id, reader, 0, Cid("x", 0x12));
    }

    function test_theOwnerGrantsAccessUpToTheFinishedModel() public {
        vm.expectEmit(address(market));
        emit ISteelyard.AccessGranted(id, reader, ROUNDS, cidOf("manifest"));
        vm.prank(owner);
        market.grantAccess(id, reader, ROUNDS, cidOf("manifest"));
    }

    // ------------------------------------------------------------------------------------------------- revokeAccess

    function test_RevertWhen_anybodyElseRevokesAccess() public {
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NotAuthorized.selector, reader, owner));
        vm.prank(reader);
        market.revokeAccess(id, reader);
    }

    function test_theOwnerRevokesAccess() public {
        vm.expectEmit(address(market));
        emit ISteelyard.AccessRevoked(id, reader);
        vm.prank(owner);
        market.revokeAccess(id, reader);
    }

    function publishes(address account) private {
        vm.expectEmit(address(market));
        emit ISteelyard.KeysPublished(id, account, cidOf("manifest"));
        vm.prank(account);
        market.publishKeys(id, cidOf("manifest"));
    }
}
