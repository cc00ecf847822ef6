// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGramVerifier} from "../../src/interfaces/IGramVerifier.sol";
import {
    Cid,
    CreditKind,
    Exclusion,
    ExclusionReason,
    ISteelyard,
    Member,
    ProjectId,
    ProjectParams,
    Round,
    RoundOutcome,
    RoundStatus,
    Settlement
} from "../../src/interfaces/ISteelyard.sol";
import {IWeighingRule} from "../../src/interfaces/IWeighingRule.sol";
import {ScriptedRule} from "../../src/mocks/ScriptedRule.sol";
import {Base} from "./Base.t.sol";

/// @notice Submit, settle, attest, abandon: every branch of one attempt but its close.
contract RoundsTest is Base {
    // ------------------------------------------------------------------------------------------------- submit

    function test_submitCountsAndAnnounces() public {
        run(4);
        bytes32 hash = keccak256(commitmentOf(2, 1));
        submit(0);
        vm.expectEmit(address(market));
        emit ISteelyard.UpdateSubmitted(id, 0, trainers[2], 1, 1, cidOf("payload"), hash);
        vm.prank(trainers[2]);
        market.submit(id, 0, cidOf("payload"), hash);
        Round memory round = market.getRound(id);
        assertEq(round.submissions, 2);
        assertEq(round.submitted, 5);
        assertStatus(RoundStatus.Collecting);
    }

    function test_weighingBeginsWhenAllHaveSubmitted() public {
        run(4);
        submit(0, 3);
        assertStatus(RoundStatus.Collecting);
        submit(3);
        assertStatus(RoundStatus.Weighing);
        assertEq(market.getRound(id).settleDeadline, block.timestamp + 3 hours);
    }

    function test_RevertWhen_submittingTwice() public {
        run(4);
        submit(0);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.AlreadySubmitted.selector, id, trainers[0]));
        vm.prank(trainers[0]);
        market.submit(id, 0, cidOf("payload"), "another");
    }

    function test_RevertWhen_submittingAnothersHash() public {
        run(4);
        submit(0);
        bytes32 hash = keccak256(commitmentOf(0, 1));
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.DuplicateCommitment.selector, id, hash));
        vm.prank(trainers[1]);
        market.submit(id, 0, cidOf("payload"), hash);
    }

    function test_aHashMayComeAgainInAnotherAttempt() public {
        run(4);
        bytes32 hash = keccak256("mine");
        vm.prank(trainers[0]);
        market.submit(id, 0, cidOf("payload"), hash);
        vm.warp(market.getRound(id).submitDeadline);
        poke();
        vm.prank(trainers[1]);
        market.submit(id, 0, cidOf("payload"), hash);
        assertEq(market.getRound(id).submitted, 2);
    }

    function test_RevertWhen_submittingFromOutside() public {
        run(4);
        refusesSubmit(4, abi.encodeWithSelector(ISteelyard.NotEnrolled.selector, id, trainers[4]));
    }

    function test_RevertWhen_submittingLate() public {
        run(4);
        submit(0, 2);
        vm.warp(market.getRound(id).submitDeadline - 1);
        submit(2);
        skip(1);
        refusesSubmit(3, notInStatus(RoundStatus.Weighing, RoundStatus.Collecting));
    }

    function test_RevertWhen_submittingForAnotherRound() public {
        run(4);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.WrongRound.selector, id, 1, 0));
        vm.prank(trainers[0]);
        market.submit(id, 1, cidOf("payload"), "hash");
    }

    function test_RevertWhen_submittingNothing() public {
        run(4);
        vm.expectRevert(ISteelyard.ZeroValue.selector);
        vm.prank(trainers[0]);
        market.submit(id, 0, cidOf("payload"), 0);
    }

    function test_RevertWhen_submittingAnInvalidCid() public {
        run(4);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.InvalidCid.selector, bytes32("digest"), 0x12));
        vm.prank(trainers[0]);
        market.submit(id, 0, Cid("digest", 0x12), "hash");
    }

    function test_aLeavingMemberMaySubmit() public {
        run(4);
        vm.prank(trainers[0]);
        market.leave(id);
        submit(0);
        assertEq(market.getRound(id).submitted, 1);
    }

    // ------------------------------------------------------------------------------------------------- settle

    function test_settleFixesSharesAndWaits() public {
        run(4);
        submit(0, 4);
        uint256[] memory contributions = new uint256[](4);
        (contributions[0], contributions[1], contributions[2]) = (5, 3, 1);
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(contributions, 8));
        uint256 budget = ROUND_BUDGET - FEE;
        address[] memory rows = new address[](4);
        uint256[] memory shares = new uint256[](4);
        for (uint256 i; i < 4; ++i) {
            (rows[i], shares[i]) = (trainers[i], budget * contributions[i] / 9);
        }
        vm.expectEmit(address(market));
        emit ISteelyard.RoundSettled(id, 0, alice, 1, block.timestamp + 30 minutes, settlement);
        vm.expectEmit(address(market));
        emit ISteelyard.RoundWeighed(
            id, 0, 1, rows, 0, budget, scriptOf(contributions, 8).weights, contributions, shares, 8
        );
        settle(settlement);
        assertStatus(RoundStatus.Attesting);
        Round memory round = market.getRound(id);
        assertEq(round.attestDeadline, block.timestamp + 30 minutes);
        assertEq(round.attesters, 7);
        Member[] memory members = market.getMembers(id);
        for (uint256 i; i < 4; ++i) {
            assertEq(members[i].share, shares[i]);
            assertEq(members[i].earned, 0);
            assertEq(members[i].strikes, 0);
            assertEq(creditOf(trainers[i]), 0);
            assertEq(market.reputationOf(trainers[i]), 5000);
        }
        assertEq(creditOf(alice), 0);
    }

    /// @notice Rows are in the order of submission, not of slots.
    function test_settleFollowsTheOrderOfSubmission() public {
        run(4);
        submit(3);
        submit(1);
        submit(0);
        submit(2);
        uint256[] memory rows = new uint256[](4);
        (rows[0], rows[1], rows[2], rows[3]) = (3, 1, 0, 2);
        uint256[] memory contributions = range(1, 5);
        settle(build(rows, new Exclusion[](0), scriptOf(contributions, 0)));
        Member[] memory members = market.getMembers(id);
        assertEq(members[3].share, (ROUND_BUDGET - FEE) * 1 / 10);
        assertEq(members[2].share, (ROUND_BUDGET - FEE) * 4 / 10);
    }

    function test_settleWithExclusions() public {
        run(7);
        submit(0, 7);
        uint256[] memory rows = new uint256[](5);
        (rows[0], rows[1], rows[2], rows[3], rows[4]) = (1, 2, 3, 4, 5);
        Settlement memory settlement = build(rows, exclusions(0, 6), scriptOf(same(5, 1), 0));
        settle(settlement);
        Member[] memory members = market.getMembers(id);
        assertEq(members[0].share, 0);
        assertEq(members[6].share, 0);
        assertEq(members[3].share, (ROUND_BUDGET - FEE) / 5);
        assertEq(market.getRound(id).attesters, 62);
    }

    function test_settleWithNeighbouringExclusions() public {
        run(7);
        submit(0, 7);
        uint256[] memory rows = new uint256[](5);
        (rows[0], rows[1], rows[2], rows[3], rows[4]) = (0, 1, 4, 5, 6);
        settle(build(rows, exclusions(2, 3), scriptOf(same(5, 1), 0)));
        assertEq(market.getRound(id).attesters, 0x73);
    }

    function test_RevertWhen_tooManyAreExcluded() public {
        run(7);
        submit(0, 7);
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        settlement.exclusions = new Exclusion[](3);
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.TooManyExclusions.selector, id, 3, 2));
    }

    function test_RevertWhen_anExclusionIsInvalid() public {
        run(7);
        submit(0, 7);
        Settlement memory settlement = build(range(0, 5), exclusions(5, 6), scriptOf(same(5, 1), 0));
        settlement.exclusions[1].reason = ExclusionReason.None;
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.InvalidExclusion.selector, 1));
        settlement.exclusions = exclusions(6, 5);
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.InvalidExclusion.selector, 1));
        settlement.exclusions = exclusions(5, 5);
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.InvalidExclusion.selector, 1));
        settlement.exclusions = exclusions(5, 7);
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.InvalidExclusion.selector, 1));
        settlement.exclusions = exclusions(5, 6);
        settle(settlement);
    }

    function test_RevertWhen_rowsAreReordered() public {
        run(4);
        submit(0, 4);
        uint256[] memory rows = range(0, 4);
        (rows[1], rows[2]) = (2, 1);
        Settlement memory settlement = build(rows, new Exclusion[](0), scriptOf(same(4, 1), 0));
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.SubmissionMismatch.selector, id, 1, 2, 1));
    }

    function test_RevertWhen_aRowComesTwice() public {
        run(4);
        submit(0, 4);
        uint256[] memory rows = range(0, 4);
        rows[3] = 2;
        Settlement memory settlement = build(rows, new Exclusion[](0), scriptOf(same(4, 1), 0));
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.SubmissionMismatch.selector, id, 3, 2, 3));
    }

    function test_RevertWhen_anExcludedRowIsWeighed() public {
        run(7);
        submit(0, 7);
        Settlement memory settlement = build(range(0, 6), exclusions(3), scriptOf(same(6, 1), 0));
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.SubmissionMismatch.selector, id, 3, 3, 4));
    }

    function test_RevertWhen_aTrainerIsLeftOut() public {
        run(4);
        submit(0, 4);
        Settlement memory settlement = build(range(0, 3), new Exclusion[](0), scriptOf(same(3, 1), 0));
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.InvalidSettlementLength.selector, 384, 512));
    }

    function test_RevertWhen_commitmentsWereNotSubmitted() public {
        run(4);
        submit(0, 4);
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        settlement.commitments[128 * 2 + 5] ^= 0x01;
        bytes memory row = new bytes(128);
        for (uint256 i; i < 128; ++i) {
            row[i] = settlement.commitments[256 + i];
        }
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.UnknownSubmission.selector, id, 2, keccak256(row)));
    }

    /// @notice What was submitted in an earlier attempt is not a submission of this one.
    function test_RevertWhen_commitmentsAreOfAnEarlierAttempt() public {
        run(4);
        submit(0, 4);
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        vm.prank(alice);
        market.abandon(id, 0);
        submit(0, 4);
        bytes32 hash = keccak256(commitmentOf(0, 1));
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.UnknownSubmission.selector, id, 0, hash));
    }

    function test_RevertWhen_aLengthIsWrong() public {
        run(4);
        submit(0, 4);
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        bytes memory right = settlement.commitments;
        settlement.commitments = bytes.concat(right, hex"00");
        refusesLength(settlement, 513, 512);
        settlement.commitments = "";
        refusesLength(settlement, 0, 512);
        settlement.commitments = right;
        settlement.gram = new bytes(79);
        refusesLength(settlement, 79, 80);
        settlement.gram = new bytes(80);
        settlement.blinders = new bytes(64);
        refusesLength(settlement, 64, 32);
        settlement.blinders = "";
        refusesLength(settlement, 0, 32);
    }

    function test_settleWithSeveralBlocks() public {
        ProjectParams memory params = defaultParams();
        params.dimension = 2 * 4088 + 1;
        run(4, params);
        submit(0, 4);
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        assertEq(settlement.commitments.length, 4 * 3 * 128);
        settlement.blinders = new bytes(32);
        refusesLength(settlement, 32, 96);
        settlement.blinders = new bytes(96);
        settle(settlement);
        assertStatus(RoundStatus.Attesting);
    }

    function test_RevertWhen_aggregateCidIsInvalid() public {
        run(4);
        submit(0, 4);
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        settlement.aggregateCid.digest = 0;
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.InvalidCid.selector, 0, 0x55));
    }

    function test_RevertWhen_proofIsOfAnotherContext() public {
        run(4);
        submit(0, 4);
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        settlement.proof[0] ^= 0x01;
        refusesSettle(settlement, abi.encodeWithSelector(IGramVerifier.ProofRejected.selector));
    }

    /// @notice Chain, market, project, round, trainers, hashes and their order each change what has to be proved.
    function test_contextBindsEverything() public {
        run(4);
        submit(0, 4);
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        vm.chainId(block.chainid + 1);
        refusesSettle(settlement, abi.encodeWithSelector(IGramVerifier.ProofRejected.selector));
        vm.chainId(block.chainid - 1);
        address[] memory accounts = new address[](4);
        bytes32[] memory hashes = new bytes32[](4);
        for (uint256 i; i < 4; ++i) {
            (accounts[i], hashes[i]) = (trainers[i], keccak256(commitmentOf(i, 1)));
        }
        refusesContext(settlement, contextOf(1, accounts, hashes));
        (accounts[0], accounts[1]) = (accounts[1], accounts[0]);
        refusesContext(settlement, contextOf(0, accounts, hashes));
        (accounts[0], accounts[1]) = (accounts[1], accounts[0]);
        (hashes[0], hashes[1]) = (hashes[1], hashes[0]);
        refusesContext(settlement, contextOf(0, accounts, hashes));
        (hashes[0], hashes[1]) = (hashes[1], hashes[0]);
        id = ProjectId.wrap(bytes32(uint256(ProjectId.unwrap(id)) ^ 1));
        bytes32 elsewhere = contextOf(0, accounts, hashes);
        id = ProjectId.wrap(bytes32(uint256(ProjectId.unwrap(id)) ^ 1));
        refusesContext(settlement, elsewhere);
        settlement.proof =
            verifier.prove(contextOf(0, accounts, hashes), 4, 2410, settlement.commitments, settlement.gram);
        settle(settlement);
    }

    function test_RevertWhen_theRuleObjects() public {
        run(7);
        submit(0, 7);
        ScriptedRule.Script memory script = scriptOf(same(7, 1), 0);
        assertEq(script.f, 2);
        script.f = 1;
        refusesSettle(
            build(range(0, 7), new Exclusion[](0), script),
            abi.encodeWithSelector(IWeighingRule.TooFewRows.selector, 7, 2)
        );
    }

    function test_RevertWhen_settlingIsNotTheCallersBusiness() public {
        run(4);
        offer(bob);
        submit(0, 4);
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NotAuthorized.selector, bob, alice));
        vm.prank(bob);
        market.settle(id, 0, settlement);
    }

    function test_RevertWhen_settlingAnotherRound() public {
        run(4);
        submit(0, 4);
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.WrongRound.selector, id, 1, 0));
        vm.prank(alice);
        market.settle(id, 1, settlement);
    }

    function test_RevertWhen_settlingOutOfTime() public {
        run(4);
        submit(0, 3);
        Settlement memory settlement = build(range(0, 3), new Exclusion[](0), scriptOf(same(3, 1), 0));
        vm.warp(market.getRound(id).submitDeadline - 1);
        refusesSettle(settlement, notInStatus(RoundStatus.Collecting, RoundStatus.Weighing));
        uint256 state = vm.snapshotState();
        skip(1);
        settle(settlement);
        vm.revertToState(state);
        vm.warp(market.getRound(id).settleDeadline - 1);
        settle(settlement);
        vm.revertToState(state);
        vm.warp(market.getRound(id).settleDeadline);
        refusesSettle(settlement, notInStatus(RoundStatus.Decided, RoundStatus.Weighing));
        assertOutcome(RoundOutcome.Missed);
    }

    function test_RevertWhen_settlingTwice() public {
        run(4);
        submit(0, 4);
        Settlement memory settlement = build(range(0, 4), new Exclusion[](0), scriptOf(same(4, 1), 0));
        settle(settlement);
        refusesSettle(settlement, notInStatus(RoundStatus.Attesting, RoundStatus.Weighing));
    }

    /// @notice Shares never exceed the budget, miss it by less than a unit a row, and follow the contributions.
    function testFuzz_sharesAreFairAndFunded(uint64[7] memory raw, uint128 budget, uint16 feeBps) public {
        ProjectParams memory params = defaultParams();
        params.budget = uint128(bound(budget, ROUNDS, FUNDS));
        params.aggregatorFeeBps = uint16(bound(feeBps, 100, 10_000));
        run(7, params);
        uint256[] memory contributions = new uint256[](7);
        uint256 total;
        for (uint256 i; i < 7; ++i) {
            contributions[i] = raw[i];
            total += raw[i];
        }
        submit(0, 7);
        settle(contributions, 0);
        uint256 roundBudget = params.budget / ROUNDS;
        uint256 shareable = roundBudget - roundBudget * params.aggregatorFeeBps / 10_000;
        Member[] memory members = market.getMembers(id);
        uint256 paid;
        for (uint256 i; i < 7; ++i) {
            paid += members[i].share;
            if (total != 0) assertEq(members[i].share, shareable * contributions[i] / total);
        }
        assertLe(paid, shareable);
        if (total != 0) assertLt(shareable - paid, 7);
        vm.warp(market.getRound(id).attestDeadline);
        poke();
        assertEq(market.getProject(id).pool, shareable - paid);
        assertEq(creditOf(alice), roundBudget - shareable);
    }

    // ------------------------------------------------------------------------------------------------- attest

    function test_aMajorityMakesItFinal() public {
        settled(same(4, 1), 0);
        vm.expectEmit(address(market));
        emit ISteelyard.Attested(id, 0, trainers[0], 1, true);
        attest(0, true);
        attest(1, true);
        assertStatus(RoundStatus.Attesting);
        refusesPoke();
        attest(2, true);
        assertStatus(RoundStatus.Decided);
        assertOutcome(RoundOutcome.Final);
        refusesAttest(3, notInStatus(RoundStatus.Decided, RoundStatus.Attesting));
        poke();
        assertEq(market.getProject(id).round, 1);
    }

    function test_aMajorityMakesItVoid() public {
        settled(same(4, 1), 0);
        attest(0, false);
        attest(1, false);
        assertStatus(RoundStatus.Attesting);
        attest(3, false);
        assertStatus(RoundStatus.Decided);
        assertOutcome(RoundOutcome.Void);
        assertEq(market.getRound(id).objections, 11);
    }

    function test_aTieIsFinalAtTheDeadline() public {
        settled(same(4, 1), 0);
        attest(0, false);
        attest(1, false);
        attest(2, true);
        attest(3, true);
        vm.warp(market.getRound(id).attestDeadline - 1);
        assertStatus(RoundStatus.Attesting);
        skip(1);
        assertStatus(RoundStatus.Decided);
        assertOutcome(RoundOutcome.Final);
    }

    function test_silenceIsConsent() public {
        settled(same(4, 1), 0);
        vm.warp(market.getRound(id).attestDeadline);
        assertOutcome(RoundOutcome.Final);
    }

    function test_RevertWhen_attestingTwice() public {
        settled(same(4, 1), 0);
        attest(0, true);
        refusesAttest(0, abi.encodeWithSelector(ISteelyard.AlreadyAttested.selector, id, trainers[0]));
        attest(1, false);
        refusesAttest(1, abi.encodeWithSelector(ISteelyard.AlreadyAttested.selector, id, trainers[1]));
    }

    function test_RevertWhen_attestingUnpaidOrFromOutside() public {
        uint256[] memory contributions = same(4, 1);
        contributions[3] = 0;
        settled(contributions, 0);
        refusesAttest(3, abi.encodeWithSelector(ISteelyard.NotAttester.selector, id, trainers[3]));
        refusesAttest(4, abi.encodeWithSelector(ISteelyard.NotAttester.selector, id, trainers[4]));
    }

    function test_whereNobodyIsPaidThoseWithWeightVote() public {
        settled(same(4, 0), 8);
        assertEq(market.getRound(id).attesters, 7);
        refusesAttest(3, abi.encodeWithSelector(ISteelyard.NotAttester.selector, id, trainers[3]));
        attest(0, false);
        attest(2, false);
        assertOutcome(RoundOutcome.Void);
    }

    function test_whereNobodyHasWeightTheDeadlineDecides() public {
        settled(same(4, 0), 15);
        assertEq(market.getRound(id).attesters, 0);
        assertStatus(RoundStatus.Attesting);
        vm.warp(market.getRound(id).attestDeadline);
        assertOutcome(RoundOutcome.Final);
        poke();
        assertEq(market.getProject(id).pool, ROUND_BUDGET - FEE);
    }

    function test_RevertWhen_attestingAnotherRoundOrLate() public {
        settled(same(4, 1), 0);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.WrongRound.selector, id, 1, 0));
        vm.prank(trainers[0]);
        market.attest(id, 1, true);
        vm.warp(market.getRound(id).attestDeadline);
        refusesAttest(0, notInStatus(RoundStatus.Decided, RoundStatus.Attesting));
    }

    // ------------------------------------------------------------------------------------------------- abandon

    function test_abandonCostsNothingAndAsksAnother() public {
        run(4);
        offer(bob);
        submit(0, 4);
        uint256 free = stakeOf(alice).free;
        vm.expectEmit(address(market));
        emit ISteelyard.StakeReleased(id, alice, AGGREGATOR_STAKE);
        vm.expectEmit(address(market));
        emit ISteelyard.RoundClosed(id, 0, 1, RoundOutcome.Abandoned, 0, 0);
        vm.prank(alice);
        market.abandon(id, 0);
        assertEq(stakeOf(alice).free, free + AGGREGATOR_STAKE);
        assertEq(stakeOf(alice).locked, 0);
        assertEq(market.burntOf(address(token)), 0);
        Round memory round = market.getRound(id);
        assertEq(round.aggregator, bob);
        assertEq(round.attempt, 2);
        assertEq(round.index, 0);
        assertEq(round.submissions, 0);
        for (uint256 i; i < 4; ++i) {
            assertEq(market.reputationOf(trainers[i]), 5000);
        }
    }

    function test_theOnlyAggregatorIsAskedAgain() public {
        run(4);
        submit(0, 4);
        vm.prank(alice);
        market.abandon(id, 0);
        assertEq(market.getRound(id).aggregator, alice);
    }

    function test_RevertWhen_abandonIsNotTheCallersBusiness() public {
        run(4);
        submit(0, 4);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NotAuthorized.selector, stranger, alice));
        vm.prank(stranger);
        market.abandon(id, 0);
    }

    function test_RevertWhen_abandoningAnotherRound() public {
        run(4);
        submit(0, 4);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.WrongRound.selector, id, 1, 0));
        vm.prank(alice);
        market.abandon(id, 1);
    }

    function test_RevertWhen_abandoningEarlyOrLate() public {
        run(4);
        submit(0, 3);
        vm.expectRevert(notInStatus(RoundStatus.Collecting, RoundStatus.Weighing));
        vm.prank(alice);
        market.abandon(id, 0);
        vm.warp(market.getRound(id).settleDeadline);
        vm.expectRevert(notInStatus(RoundStatus.Decided, RoundStatus.Weighing));
        vm.prank(alice);
        market.abandon(id, 0);
    }

    // ------------------------------------------------------------------------------------------------- helpers

    function settled(uint256[] memory contributions, uint256 opposed) private {
        run(contributions.length);
        submit(0, contributions.length);
        settle(contributions, opposed);
    }

    function exclusions(uint8 index) private pure returns (Exclusion[] memory list) {
        list = new Exclusion[](1);
        list[0] = Exclusion(index, ExclusionReason.Unavailable);
    }

    function exclusions(uint8 first, uint8 second) private pure returns (Exclusion[] memory list) {
        list = new Exclusion[](2);
        list[0] = Exclusion(first, ExclusionReason.Undecryptable);
        list[1] = Exclusion(second, ExclusionReason.NotOpening);
    }

    function refusesLength(Settlement memory settlement, uint256 actual, uint256 expected) private {
        refusesSettle(settlement, abi.encodeWithSelector(ISteelyard.InvalidSettlementLength.selector, actual, expected));
    }

    function refusesContext(Settlement memory settlement, bytes32 context) private {
        settlement.proof = verifier.prove(context, 4, 2410, settlement.commitments, settlement.gram);
        refusesSettle(settlement, abi.encodeWithSelector(IGramVerifier.ProofRejected.selector));
    }
}
