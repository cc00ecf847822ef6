// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGramVerifier} from "../../src/interfaces/IGramVerifier.sol";
import {
    Cid,
    Exclusion,
    ExclusionReason,
    ISteelyard,
    LeaveReason,
    Member,
    ProjectParams,
    ProjectStatus,
    Round,
    RoundOutcome,
    RoundStatus,
    Settlement
} from "../../src/interfaces/ISteelyard.sol";
import {ScriptedRule} from "../../src/mocks/ScriptedRule.sol";
import {Base} from "./Base.t.sol";

/// @notice Projects whose rule needs a root of the owner's: what differs from other projects, and nothing else.
contract RootedTest is Base {
    bytes32 private constant HASH = "a root's commitments";

    // ------------------------------------------------------------------------------------------------- projects

    function test_createAnnouncesThatTheRuleIsRooted() public {
        ProjectParams memory params = rootedParams();
        vm.expectEmit(address(market));
        emit ISteelyard.ProjectCreated(
            market.computeProjectId(params, 0), owner, 0, block.timestamp + 1 days, params, true
        );
        id = create(params);
        assertTrue(market.getProject(id).rooted);
        create();
        assertFalse(market.getProject(id).rooted);
    }

    /// @notice The root is one of the 32 rows, and one of the rows whose commitments a settlement carries.
    function test_theRootTakesARow() public {
        ProjectParams memory params = rootedParams();
        params.maxTrainers = 32;
        revertsInvalid("maxTrainers", 32);
        create(params);
        params.maxTrainers = 31;
        params.dimension = 4088 * 32;
        create(params);
        params.dimension = 4088 * 32 + 1;
        revertsInvalid("commitments", 32 * 33);
        create(params);
    }

    function test_RevertWhen_theOwnerEnrols() public {
        prepare(owner, 1000e6);
        id = create(rootedParams());
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.OwnerMayNotTrain.selector, id, owner));
        vm.prank(owner);
        market.enrol(id);
        create();
        vm.prank(owner);
        market.enrol(id);
    }

    // ------------------------------------------------------------------------------------------------- submitRoot

    function test_submitRootCountsAsNobodys() public {
        run(4, rootedParams());
        submit(0);
        vm.expectEmit(address(market));
        emit ISteelyard.RootSubmitted(id, 0, owner, 1, cidOf("payload"), HASH);
        vm.prank(owner);
        market.submitRoot(id, 0, cidOf("payload"), HASH);
        Round memory round = market.getRound(id);
        assertTrue(round.hasRoot);
        assertEq(round.submissions, 1);
        assertEq(round.submitted, 1);
        assertStatus(RoundStatus.Collecting);
    }

    function test_collectingEndsWithTheLastOfTrainersAndRoot() public {
        run(3, rootedParams());
        submit(0, 3);
        assertStatus(RoundStatus.Collecting);
        uint256 state = vm.snapshotState();
        submitRoot();
        assertStatus(RoundStatus.Weighing);
        vm.revertToState(state);
        vm.warp(market.getRound(id).submitDeadline);
        assertStatus(RoundStatus.Decided);
        assertOutcome(RoundOutcome.TooFew);
    }

    function test_aRootAndFewerTrainersAreWeighedAfterTheDeadline() public {
        run(5, rootedParams());
        submitRoot();
        submit(0, 3);
        vm.warp(market.getRound(id).submitDeadline);
        assertStatus(RoundStatus.Weighing);
        settle(same(3, 1), 0);
    }

    function test_RevertWhen_submittingARootOutOfTurn() public {
        run(3, rootedParams());
        bytes4 wrongRound = ISteelyard.WrongRound.selector;
        refusesRoot(owner, 1, HASH, abi.encodeWithSelector(wrongRound, id, 1, 0));
        submitRoot();
        refusesRoot(owner, 0, HASH, abi.encodeWithSelector(ISteelyard.AlreadySubmitted.selector, id, owner));
        submit(0, 3);
        refusesRoot(owner, 0, HASH, notInStatus(RoundStatus.Weighing, RoundStatus.Collecting));
    }

    function test_RevertWhen_submittingAnothersRoot() public {
        run(3, rootedParams());
        bytes4 selector = ISteelyard.NotAuthorized.selector;
        refusesRoot(trainers[0], 0, HASH, abi.encodeWithSelector(selector, trainers[0], owner));
        refusesRoot(alice, 0, HASH, abi.encodeWithSelector(selector, alice, owner));
    }

    function test_RevertWhen_submittingARootWithoutUse() public {
        run(3);
        refusesRoot(owner, 0, HASH, abi.encodeWithSelector(ISteelyard.NotRooted.selector, id));
    }

    function test_RevertWhen_thereIsNobodyToOpenTheRoot() public {
        run(3, rootedParams());
        vm.prank(alice);
        market.unregisterAggregator(address(token));
        vm.warp(market.getRound(id).submitDeadline);
        poke();
        refusesRoot(owner, 0, HASH, abi.encodeWithSelector(ISteelyard.NoAggregator.selector, id));
    }

    function test_RevertWhen_theRootIsMalformed() public {
        run(3, rootedParams());
        refusesRoot(owner, 0, 0, abi.encodeWithSelector(ISteelyard.ZeroValue.selector));
        Cid memory cid = Cid({digest: "x", codec: 0x71});
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.InvalidCid.selector, bytes32("x"), 0x71));
        vm.prank(owner);
        market.submitRoot(id, 0, cid, HASH);
    }

    /// @notice A root and an update never have one hash, whichever comes first.
    function test_RevertWhen_theRootIsACopy() public {
        run(3, rootedParams());
        submit(0);
        bytes32 taken = keccak256(commitmentOf(0, 1));
        refusesRoot(owner, 0, taken, abi.encodeWithSelector(ISteelyard.DuplicateCommitment.selector, id, taken));
        submitRoot();
        taken = keccak256(commitmentOf(ROOT, 1));
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.DuplicateCommitment.selector, id, taken));
        vm.prank(trainers[1]);
        market.submit(id, 0, cidOf("payload"), taken);
    }

    // ------------------------------------------------------------------------------------------------- settle

    function test_settleWeighsTrainersAgainstTheRoot() public {
        run(4, rootedParams());
        submit(0, 2);
        submitRoot();
        submit(2, 4);
        uint256[] memory contributions = new uint256[](4);
        (contributions[0], contributions[1], contributions[2]) = (5, 3, 1);
        settle(contributions, 8);
        Round memory round = market.getRound(id);
        assertEq(round.attesters, 7);
        Member[] memory members = market.getMembers(id);
        assertEq(members.length, 4);
        uint256 budget = ROUND_BUDGET - FEE;
        assertEq(members[0].share, budget * 5 / 9);
        vm.warp(round.attestDeadline);
        // Of four trainers, not of five rows: 5000 · 3 · 4 / 9.
        vm.expectEmit(address(market));
        emit ISteelyard.ReputationUpdated(trainers[1], id, 5000, 5000 + uint256(6666 - 5000) / 8);
        vm.expectEmit(address(market));
        emit ISteelyard.StrikeRecorded(id, trainers[3], 1);
        poke();
        assertEq(creditOf(owner), 0);
        assertEq(market.reputationOf(owner), 5000);
        assertEq(market.getProject(id).round, 1);
    }

    function test_weighedNamesTheOwnerLast() public {
        run(3, rootedParams());
        submitRoot();
        submit(0, 3);
        Settlement memory settlement = build(range(0, 3), new Exclusion[](0), scriptOf(same(3, 1), 0));
        address[] memory rows = new address[](4);
        (rows[0], rows[1], rows[2], rows[3]) = (trainers[0], trainers[1], trainers[2], owner);
        uint256[] memory weights = new uint256[](4);
        uint256[] memory contributions = new uint256[](4);
        uint256[] memory shares = new uint256[](4);
        for (uint256 i; i < 3; ++i) {
            (weights[i], contributions[i], shares[i]) = (1 << 32, 1, (ROUND_BUDGET - FEE) / 3);
        }
        vm.expectEmit(address(market));
        emit ISteelyard.RoundWeighed(id, 0, 1, rows, 0, ROUND_BUDGET - FEE, weights, contributions, shares, 0);
        settle(settlement);
    }

    /// @notice `f` counts trainers: seven rows and a root tolerate two, and two may be excluded.
    function test_theRootDoesNotCountTowardsF() public {
        run(7, rootedParams());
        submitRoot();
        submit(0, 7);
        Exclusion[] memory exclusions = new Exclusion[](2);
        exclusions[0] = Exclusion(1, ExclusionReason.Malformed);
        exclusions[1] = Exclusion(6, ExclusionReason.Malformed);
        uint256[] memory rows = new uint256[](5);
        (rows[1], rows[2], rows[3], rows[4]) = (2, 3, 4, 5);
        settle(build(rows, exclusions, scriptOf(same(5, 1), 0)));
        assertStatus(RoundStatus.Attesting);
    }

    function test_RevertWhen_theRootIsExcluded() public {
        run(4, rootedParams());
        submitRoot();
        submit(0, 4);
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        settlement.exclusions = new Exclusion[](1);
        settlement.exclusions[0] = Exclusion(type(uint8).max, ExclusionReason.NotOpening);
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.TooManyExclusions.selector, id, 1, 0));
    }

    function test_RevertWhen_theRootIsLeftOutOrOutOfPlace() public {
        run(4, rootedParams());
        submitRoot();
        submit(0, 4);
        Settlement memory right = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        settlement.commitments = slice(right.commitments, 0, 512);
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.InvalidSettlementLength.selector, 512, 640));
        settlement.commitments = bytes.concat(slice(right.commitments, 512, 640), slice(right.commitments, 0, 512));
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.SubmissionMismatch.selector, id, 0, 255, 0));
        settlement.commitments = bytes.concat(slice(right.commitments, 0, 512), slice(right.commitments, 384, 512));
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.SubmissionMismatch.selector, id, 4, 3, 255));
        settle(right);
    }

    /// @notice The proof is about the root too, as the owner's.
    function test_theContextBindsTheRoot() public {
        run(4, rootedParams());
        submitRoot();
        submit(0, 4);
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        (bytes memory right, bytes4 rejected) = (settlement.proof, IGramVerifier.ProofRejected.selector);
        address[] memory accounts = new address[](5);
        bytes32[] memory hashes = new bytes32[](5);
        for (uint256 i; i < 5; ++i) {
            (accounts[i], hashes[i]) = (trainers[i], keccak256(commitmentOf(i == 4 ? ROOT : i, 1)));
        }
        settlement.proof =
            verifier.prove(contextOf(0, accounts, hashes), 5, 2410, settlement.commitments, settlement.gram);
        refusesSettle(settlement, abi.encodeWithSelector(rejected));
        accounts[4] = owner;
        settlement.proof =
            verifier.prove(contextOf(0, accounts, hashes), 5, 2410, settlement.commitments, settlement.gram);
        assertEq(settlement.proof, right);
        settle(settlement);
    }

    // ------------------------------------------------------------------------------------------------- closing

    /// @notice Without a root nobody is to blame but the owner: the aggregator is freed, who submitted is not absent.
    function test_withoutARootNobodyElseIsToBlame() public {
        run(4, rootedParams());
        submit(0, 3);
        vm.warp(market.getRound(id).submitDeadline);
        vm.expectEmit(address(market));
        emit ISteelyard.AbsenceRecorded(id, trainers[3], 1);
        vm.expectEmit(address(market));
        emit ISteelyard.RoundClosed(id, 0, 1, RoundOutcome.TooFew, 0, 0);
        poke();
        assertEq(stakeOf(alice).locked, AGGREGATOR_STAKE);
        assertEq(market.getRound(id).aggregator, alice);
        assertEq(market.reputationOf(trainers[0]), 5000);
        assertFalse(market.getRound(id).hasRoot);
        assertStatus(RoundStatus.Collecting);
    }

    function test_anOwnerThatStaysAwayEndsTheProject() public {
        run(4, rootedParams());
        finish(same(4, 1), 0);
        for (uint256 i; i < 2; ++i) {
            submit(0, 4);
            vm.warp(market.getRound(id).submitDeadline);
            poke();
        }
        assertStatus(ProjectStatus.Failed);
        assertEq(creditOf(owner), BUDGET - ROUND_BUDGET + (ROUND_BUDGET - FEE) % 4);
        assertEq(stakeOf(alice).locked, 0);
        for (uint256 i; i < 4; ++i) {
            assertEq(stakeOf(trainers[i]).locked, 0);
        }
    }

    /// @notice A root that is of no use is the aggregator's to report, by giving the attempt up.
    function test_abandoningForABadRootCostsNothing() public {
        run(4, rootedParams());
        submitRoot();
        submit(0, 4);
        vm.prank(alice);
        market.abandon(id, 0);
        assertEq(stakeOf(alice).free + stakeOf(alice).locked, 1000e6);
        assertEq(market.getProject(id).failures, 1);
        assertFalse(market.getRound(id).hasRoot);
        submitRoot();
        assertTrue(market.getRound(id).hasRoot);
    }

    // ------------------------------------------------------------------------------------------------- helpers

    function refusesRoot(address caller, uint256 round, bytes32 hash, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(caller);
        market.submitRoot(id, round, cidOf("payload"), hash);
    }

    function slice(bytes memory data, uint256 from, uint256 to) private pure returns (bytes memory part) {
        part = new bytes(to - from);
        for (uint256 i; i < part.length; ++i) {
            part[i] = data[from + i];
        }
    }
}
