// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    CreditKind,
    Exclusion,
    ExclusionReason,
    ISteelyard,
    LeaveReason,
    Member,
    Project,
    ProjectParams,
    ProjectStatus,
    Round,
    RoundOutcome,
    RoundStatus
} from "../../src/interfaces/ISteelyard.sol";
import {Base} from "./Base.t.sol";

/// @notice What `poke` does: closing an attempt with each outcome, going on, ending.
contract ClosingTest is Base {
    // ------------------------------------------------------------------------------------------------- enrolment

    function test_pokeStartsAtTheEnrolDeadline() public {
        offer(alice);
        create();
        enrol(0, 3);
        vm.warp(market.getProject(id).enrolDeadline - 1);
        refusesPoke();
        skip(1);
        poke();
        assertStatus(ProjectStatus.Running);
        assertEq(market.getRound(id).aggregator, alice);
    }

    function test_pokeCancelsWhatTooFewJoined() public {
        offer(alice);
        create();
        enrol(0, 2);
        vm.warp(market.getProject(id).enrolDeadline);
        poke();
        assertStatus(ProjectStatus.Cancelled);
        assertEq(creditOf(owner), BUDGET);
        assertEq(stakeOf(trainers[0]).locked, 0);
        assertEq(stakeOf(alice).locked, 0);
    }

    function test_pokeCancelsWhatNobodyWillWeigh() public {
        create();
        enrol(0, 7);
        vm.warp(market.getProject(id).enrolDeadline);
        poke();
        assertStatus(ProjectStatus.Cancelled);
        assertEq(creditOf(owner), BUDGET);
    }

    // ------------------------------------------------------------------------------------------------- final

    function test_finalPaysAndRates() public {
        run(4);
        uint256[] memory contributions = new uint256[](4);
        (contributions[0], contributions[1], contributions[2]) = (5, 3, 1);
        submit(0, 4);
        settle(contributions, 8);
        vm.warp(market.getRound(id).attestDeadline);
        uint256 budget = ROUND_BUDGET - FEE;
        uint256 paid = budget * 5 / 9 + budget * 3 / 9 + budget / 9;
        vm.expectEmit(address(market));
        emit ISteelyard.Credited(id, alice, address(token), FEE, CreditKind.Fee);
        vm.expectEmit(address(market));
        emit ISteelyard.Credited(id, trainers[0], address(token), budget * 5 / 9, CreditKind.Share);
        // 5000 + (min(10000, 5000 · 5 · 4 / 9) − 5000) / 8, and so on; the strike's target is 0.
        vm.expectEmit(address(market));
        emit ISteelyard.ReputationUpdated(trainers[0], id, 5000, 5000 + 5000 / 8);
        vm.expectEmit(address(market));
        emit ISteelyard.StrikeRecorded(id, trainers[3], 1);
        vm.expectEmit(address(market));
        emit ISteelyard.RoundClosed(id, 0, 1, RoundOutcome.Final, paid, budget - paid);
        vm.expectEmit(address(market));
        emit ISteelyard.RoundOpened(id, 1, 2, alice, block.timestamp + 1 hours, block.timestamp + 3 hours);
        poke();

        assertEq(creditOf(alice), FEE);
        assertEq(creditOf(trainers[1]), budget * 3 / 9);
        assertEq(creditOf(trainers[3]), 0);
        assertEq(market.reputationOf(trainers[1]), 5000 + (uint256(6666) - 5000) / 8);
        assertEq(market.reputationOf(trainers[2]), 5000 - 348);
        assertEq(market.reputationOf(trainers[3]), 5000 - 625);
        Project memory project = market.getProject(id);
        assertEq(project.pool, budget - paid);
        assertEq(project.round, 1);
        Member[] memory members = market.getMembers(id);
        assertEq(members[0].earned, budget * 5 / 9);
        assertEq(members[0].share, 0);
        assertEq(members[3].strikes, 1);
        assertTrue(members[3].active);
        assertStatus(RoundStatus.Collecting);
    }

    function test_absenceCostsReputationAndInARowThePlace() public {
        run(4);
        uint256 reputation = 5000;
        for (uint256 i = 1; i <= 3; ++i) {
            finish(same(3, 1), 0);
            reputation -= (reputation + 15) / 16;
            assertEq(market.reputationOf(trainers[3]), reputation);
            assertEq(market.getMembers(id)[3].absences, i);
        }
        assertFalse(market.getMembers(id)[3].active);
        assertEq(stakeOf(trainers[3]).free, 1000e6);
        assertEq(stakeOf(trainers[3]).locked, 0);
    }

    function test_presenceForgivesAbsences() public {
        ProjectParams memory params = defaultParams();
        params.rounds = 10;
        run(4, params);
        finish(same(3, 1), 0);
        finish(same(3, 1), 0);
        assertEq(market.getMembers(id)[3].absences, 2);
        finish(same(4, 1), 0);
        assertEq(market.getMembers(id)[3].absences, 0);
        finish(same(3, 1), 0);
        assertTrue(market.getMembers(id)[3].active);
    }

    function test_beingExcludedIsAnAbsence() public {
        run(7);
        submit(0, 7);
        Exclusion[] memory excluded = new Exclusion[](1);
        excluded[0] = Exclusion(6, ExclusionReason.Malformed);
        settle(build(range(0, 6), excluded, scriptOf(same(6, 1), 0)));
        vm.warp(market.getRound(id).attestDeadline);
        vm.expectEmit(address(market));
        emit ISteelyard.AbsenceRecorded(id, trainers[6], 1);
        poke();
        assertEq(market.reputationOf(trainers[6]), 5000 - 313);
        assertEq(market.getMembers(id)[6].strikes, 0);
    }

    function test_strikesCostStakeAndPlace() public {
        run(5);
        finish(same(5, 1), 16);
        // A strike's target is 0, whatever the row contributed.
        assertEq(market.reputationOf(trainers[4]), 5000 - 625);
        uint256 slashed = uint256(MIN_STAKE) * 2500 / 10_000;
        uint256 pool = market.getProject(id).pool;
        submit(0, 5);
        settle(same(5, 1), 16);
        vm.warp(market.getRound(id).attestDeadline);
        vm.expectEmit(address(market));
        emit ISteelyard.StakeSlashed(id, trainers[4], slashed, slashed / 2);
        vm.expectEmit(address(market));
        emit ISteelyard.StakeReleased(id, trainers[4], MIN_STAKE - slashed);
        vm.expectEmit(address(market));
        emit ISteelyard.TrainerLeft(id, trainers[4], LeaveReason.Struck);
        poke();
        assertEq(stakeOf(trainers[4]).locked, 0);
        assertEq(stakeOf(trainers[4]).free, 1000e6 - slashed);
        assertEq(market.burntOf(address(token)), slashed - slashed / 2);
        uint256 dust = (ROUND_BUDGET - FEE) % 5;
        assertEq(market.getProject(id).pool, pool + slashed / 2 + dust);
        assertFalse(market.getMembers(id)[4].active);
        assertEq(market.getProject(id).active, 15);
    }

    /// @notice Announcing to leave before the last strike saves no stake.
    function test_leavingDoesNotEvadeASlash() public {
        run(5);
        finish(same(5, 1), 16);
        vm.prank(trainers[4]);
        market.leave(id);
        submit(0, 5);
        settle(same(5, 1), 16);
        vm.warp(market.getRound(id).attestDeadline);
        vm.expectEmit(address(market));
        emit ISteelyard.TrainerLeft(id, trainers[4], LeaveReason.Struck);
        poke();
        assertEq(stakeOf(trainers[4]).free, 1000e6 - uint256(MIN_STAKE) * 2500 / 10_000);
        assertEq(market.getProject(id).leaving, 0);
    }

    function test_aRoundWithoutSignalPaysAndRatesNobody() public {
        run(4);
        finish(same(4, 0), 0);
        assertEq(market.getProject(id).pool, ROUND_BUDGET - FEE);
        assertEq(creditOf(alice), FEE);
        for (uint256 i; i < 4; ++i) {
            assertEq(creditOf(trainers[i]), 0);
            assertEq(market.reputationOf(trainers[i]), 5000);
        }
    }

    /// @notice A target of an earlier round must not come back in one that rates nobody.
    function test_aRoundWithoutSignalForgetsEarlierTargets() public {
        run(4);
        uint256[] memory contributions = same(4, 0);
        contributions[0] = 1;
        finish(contributions, 0);
        uint256 reputation = market.reputationOf(trainers[0]);
        assertGt(reputation, 5000);
        finish(same(4, 0), 0);
        assertEq(market.reputationOf(trainers[0]), reputation);
    }

    // ------------------------------------------------------------------------------------------------- too few

    function test_tooFewBlamesTheAbsentOnly() public {
        run(4);
        submit(0, 2);
        vm.warp(market.getRound(id).submitDeadline - 1);
        refusesPoke();
        skip(1);
        assertOutcome(RoundOutcome.TooFew);
        vm.expectEmit(address(market));
        emit ISteelyard.RoundClosed(id, 0, 1, RoundOutcome.TooFew, 0, 0);
        poke();
        assertEq(market.reputationOf(trainers[0]), 5000);
        assertEq(market.reputationOf(trainers[3]), 5000 - 313);
        assertEq(market.getMembers(id)[3].absences, 1);
        Project memory project = market.getProject(id);
        assertEq(project.failures, 1);
        assertEq(project.tooFew, 1);
        assertEq(project.round, 0);
        assertEq(project.attempt, 2);
        assertEq(stakeOf(alice).locked, AGGREGATOR_STAKE);
        assertEq(creditOf(alice), 0);
    }

    /// @notice The aggregator's key may be of no use, or the model not to be had: which of them it was cannot be told.
    function test_anAttemptThatNobodySubmittedToBlamesNobody() public {
        run(4);
        vm.warp(market.getRound(id).submitDeadline);
        assertOutcome(RoundOutcome.TooFew);
        poke();
        for (uint256 i; i < 4; ++i) {
            assertEq(market.getMembers(id)[i].absences, 0);
            assertEq(market.reputationOf(trainers[i]), 5000);
        }
        assertEq(market.getProject(id).tooFew, 1);
    }

    function test_tooFewTwiceEndsTheProject() public {
        run(4);
        vm.warp(market.getRound(id).submitDeadline);
        poke();
        vm.warp(market.getRound(id).submitDeadline);
        vm.expectEmit(address(market));
        emit ISteelyard.ProjectEnded(id, ProjectStatus.Failed, BUDGET, 0);
        poke();
        assertStatus(ProjectStatus.Failed);
        assertEq(creditOf(owner), BUDGET);
        assertEq(stakeOf(alice).locked, 0);
        assertEq(stakeOf(trainers[0]).locked, 0);
        assertStatus(RoundStatus.Decided);
        assertOutcome(RoundOutcome.TooFew);
    }

    function test_onlyTooFewInARowCount() public {
        run(4);
        vm.warp(market.getRound(id).submitDeadline);
        poke();
        assertEq(market.getProject(id).tooFew, 1);
        submit(0, 4);
        vm.prank(alice);
        market.abandon(id, 0);
        assertEq(market.getProject(id).tooFew, 0);
        assertEq(market.getProject(id).failures, 2);
    }

    function test_aFinalRoundForgivesFailures() public {
        run(4);
        vm.warp(market.getRound(id).submitDeadline);
        poke();
        finish(same(4, 1), 0);
        assertEq(market.getProject(id).failures, 0);
        assertEq(market.getProject(id).tooFew, 0);
        vm.warp(market.getRound(id).submitDeadline);
        poke();
        assertStatus(ProjectStatus.Running);
    }

    function test_losingTooManyMembersEndsTheProject() public {
        ProjectParams memory params = defaultParams();
        params.minTrainers = 4;
        run(4, params);
        vm.prank(trainers[0]);
        market.leave(id);
        finish(same(4, 1), 0);
        assertStatus(ProjectStatus.Failed);
        uint256 dust = (ROUND_BUDGET - FEE) % 4;
        assertEq(creditOf(owner), BUDGET - ROUND_BUDGET + dust);
    }

    // ------------------------------------------------------------------------------------------------- missed, void

    function test_aSilentAggregatorIsSlashedReplacedAndTheRoundCompletes() public {
        run(4);
        offer(bob);
        submit(0, 4);
        vm.warp(market.getRound(id).settleDeadline - 1);
        refusesPoke();
        skip(1);
        uint256 slashed = uint256(AGGREGATOR_STAKE) * 3333 / 10_000;
        vm.expectEmit(address(market));
        emit ISteelyard.AggregatorUnregistered(alice, address(token));
        vm.expectEmit(address(market));
        emit ISteelyard.StakeSlashed(id, alice, slashed, 0);
        vm.expectEmit(address(market));
        emit ISteelyard.StakeReleased(id, alice, AGGREGATOR_STAKE - slashed);
        vm.expectEmit(address(market));
        emit ISteelyard.RoundClosed(id, 0, 1, RoundOutcome.Missed, 0, 0);
        poke();
        assertEq(market.burntOf(address(token)), slashed);
        assertEq(stakeOf(alice).free, 1000e6 - slashed);
        assertEq(stakeOf(alice).locked, 0);
        assertEq(market.getProject(id).pool, 0);
        assertEq(market.getRound(id).aggregator, bob);
        assertEq(market.getRound(id).index, 0);
        assertEq(market.reputationOf(trainers[0]), 5000);

        finish(same(4, 1), 0);
        assertEq(creditOf(bob), FEE);
        assertEq(creditOf(trainers[0]), (ROUND_BUDGET - FEE) / 4);
        assertEq(market.getProject(id).round, 1);
    }

    function test_aVoidRoundLeavesNoTraceButTheSlash() public {
        run(4);
        offer(bob);
        submit(0, 4);
        settle(same(4, 1), 8);
        attest(0, false);
        attest(1, false);
        attest(2, false);
        poke();
        uint256 slashed = uint256(AGGREGATOR_STAKE) * 3333 / 10_000;
        assertEq(market.burntOf(address(token)), slashed);
        assertEq(creditOf(alice), 0);
        assertEq(market.getProject(id).pool, 0);
        Member[] memory members = market.getMembers(id);
        for (uint256 i; i < 4; ++i) {
            assertEq(creditOf(trainers[i]), 0);
            assertEq(market.reputationOf(trainers[i]), 5000);
            assertEq(members[i].share, 0);
            assertEq(members[i].strikes, 0);
        }
        assertEq(market.getRound(id).aggregator, bob);
        assertEq(market.getProject(id).round, 0);
        // Who was paid in the void attempt but is no row of the next gets nothing.
        finish(same(3, 1), 0);
        assertEq(creditOf(trainers[3]), 0);
        assertEq(creditOf(trainers[0]), (ROUND_BUDGET - FEE) / 3);
    }

    function test_aPreferredAggregatorThatFailedIsNotPreferredAgain() public {
        ProjectParams memory params = defaultParams();
        params.aggregator = bob;
        params.rounds = 5;
        offer(bob);
        run(4, params);
        assertEq(market.getRound(id).aggregator, bob);
        submit(0, 4);
        vm.warp(market.getRound(id).settleDeadline);
        poke();
        assertEq(market.getRound(id).aggregator, alice);
        vm.prank(bob);
        market.registerAggregator(address(token), defaultTerms());
        vm.prank(alice);
        market.unregisterAggregator(address(token));
        fund(stranger);
        prepare(stranger, 1000e6);
        vm.prank(stranger);
        market.registerAggregator(address(token), defaultTerms());
        uint256 others;
        for (uint256 i; i < 8; ++i) {
            uint256 state = vm.snapshotState();
            vm.prevrandao(keccak256(abi.encode(i)));
            finish(same(4, 1), 0);
            if (market.getRound(id).aggregator == stranger) ++others;
            vm.revertToState(state);
        }
        assertGt(others, 0);
        assertLt(others, 8);
    }

    function test_aPreferredAggregatorThatAbandonedIsPreferredAgainLater() public {
        ProjectParams memory params = defaultParams();
        params.aggregator = bob;
        offer(bob);
        run(4, params);
        submit(0, 4);
        vm.prank(bob);
        market.abandon(id, 0);
        assertEq(market.getRound(id).aggregator, alice);
        finish(same(4, 1), 0);
        assertEq(market.getRound(id).aggregator, bob);
    }

    function test_threeFailuresOfAnyKindEndTheProject() public {
        run(4);
        offer(bob);
        submit(0, 4);
        vm.prank(alice);
        market.abandon(id, 0);
        submit(0, 4);
        vm.warp(market.getRound(id).settleDeadline);
        poke();
        vm.prank(trainers[0]);
        market.leave(id);
        submit(0, 4);
        settle(same(4, 1), 0);
        attest(0, false);
        attest(1, false);
        attest(2, false);
        poke();
        assertStatus(ProjectStatus.Failed);
        assertEq(creditOf(owner), BUDGET);
        for (uint256 i; i < 4; ++i) {
            assertEq(stakeOf(trainers[i]).locked, 0);
        }
    }

    function test_leavingMembersGoWhateverTheOutcome() public {
        run(5);
        vm.prank(trainers[4]);
        market.leave(id);
        submit(0, 5);
        vm.expectEmit(address(market));
        emit ISteelyard.TrainerLeft(id, trainers[4], LeaveReason.Left);
        vm.prank(alice);
        market.abandon(id, 0);
        assertEq(market.getProject(id).active, 15);
        assertEq(stakeOf(trainers[4]).locked, 0);
    }

    // ------------------------------------------------------------------------------------------------- no aggregator

    function test_anAttemptWithoutAggregatorTakesNothingAndBlamesNobody() public {
        run(4);
        submit(0, 4);
        vm.warp(market.getRound(id).settleDeadline);
        poke();
        assertEq(market.getRound(id).aggregator, address(0));
        assertStatus(RoundStatus.Collecting);
        refusesSubmit(0, abi.encodeWithSelector(ISteelyard.NoAggregator.selector, id));
        vm.warp(market.getRound(id).submitDeadline);
        poke();
        assertEq(market.getMembers(id)[0].absences, 0);
        assertEq(market.reputationOf(trainers[0]), 5000);
        offer(bob);
        vm.warp(market.getRound(id).submitDeadline);
        poke();
        assertStatus(ProjectStatus.Failed);
        assertEq(creditOf(owner), BUDGET);
    }

    function test_aNewAggregatorRescuesTheProject() public {
        run(4);
        submit(0, 4);
        vm.warp(market.getRound(id).settleDeadline);
        poke();
        offer(bob);
        vm.warp(market.getRound(id).submitDeadline);
        poke();
        assertEq(market.getRound(id).aggregator, bob);
        finish(same(4, 1), 0);
        assertEq(market.getProject(id).failures, 0);
    }

    function test_anAggregatorThatLeavesTheRegistryStillSettles() public {
        run(4);
        vm.prank(alice);
        market.unregisterAggregator(address(token));
        submit(0, 4);
        settle(same(4, 1), 0);
        vm.warp(market.getRound(id).attestDeadline);
        poke();
        assertEq(creditOf(alice), FEE);
    }

    // ------------------------------------------------------------------------------------------------- the end

    function test_completionSplitsThePoolByWhatEachEarned() public {
        run(4);
        uint256 shareable = ROUND_BUDGET - FEE;
        finish(range(1, 5), 0);
        finish(same(4, 0), 0);
        uint256[] memory earned = new uint256[](4);
        Member[] memory members = market.getMembers(id);
        for (uint256 i; i < 4; ++i) {
            earned[i] = members[i].earned;
        }
        submit(0, 4);
        settle(same(4, 0), 0);
        vm.warp(market.getRound(id).attestDeadline);
        uint256 total = earned[0] + earned[1] + earned[2] + earned[3];
        uint256 pool = 3 * shareable - total;
        uint256 split;
        for (uint256 i; i < 4; ++i) {
            vm.expectEmit(address(market));
            emit ISteelyard.Credited(id, trainers[i], address(token), pool * earned[i] / total, CreditKind.PoolSplit);
            split += pool * earned[i] / total;
        }
        vm.expectEmit(address(market));
        emit ISteelyard.ProjectEnded(id, ProjectStatus.Completed, BUDGET - 3 * ROUND_BUDGET + pool - split, split);
        poke();
        assertStatus(ProjectStatus.Completed);
        assertEq(market.getProject(id).pool, 0);
        assertEq(market.getProject(id).round, ROUNDS);
        assertEq(creditOf(owner), BUDGET % ROUNDS + pool - split);
        uint256 paid = creditOf(owner) + creditOf(alice);
        for (uint256 i; i < 4; ++i) {
            paid += creditOf(trainers[i]);
            assertEq(stakeOf(trainers[i]).free, 1000e6);
        }
        assertEq(paid, BUDGET);
        assertEq(stakeOf(alice).locked, 0);
        refusesPoke();
    }

    function test_whereNobodyEverEarnedTheOwnerGetsThePool() public {
        run(4);
        finish(same(4, 0), 0);
        finish(same(4, 0), 0);
        finish(same(4, 0), 0);
        assertStatus(ProjectStatus.Completed);
        assertEq(creditOf(owner), BUDGET - 3 * FEE);
    }

    function test_whoLeftKeepsItsPartOfThePool() public {
        run(5);
        vm.prank(trainers[4]);
        market.leave(id);
        finish(same(5, 1), 0);
        uint256 credit = creditOf(trainers[4]);
        uint256[] memory contributions = same(4, 0);
        finish(contributions, 0);
        finish(contributions, 0);
        assertStatus(ProjectStatus.Completed);
        assertEq(creditOf(trainers[4]) - credit, creditOf(trainers[0]) - credit);
        assertGt(creditOf(trainers[4]), credit);
    }

    function test_anOwnerCannotTakeBackARoundThatWasSettled() public {
        run(4);
        finish(same(4, 0), 0);
        for (uint256 i; i < 4; ++i) {
            vm.prank(trainers[i]);
            market.leave(id);
        }
        finish(same(4, 1), 0);
        assertStatus(ProjectStatus.Failed);
        // Round 0 paid nobody; its pool goes to those who earned in round 1, not to the owner.
        assertEq(creditOf(trainers[0]), (ROUND_BUDGET - FEE) / 4 + _poolPart());
        assertEq(creditOf(owner), BUDGET - 2 * ROUND_BUDGET + (ROUND_BUDGET - FEE + (ROUND_BUDGET - FEE) % 4) % 4);
    }

    function _poolPart() private pure returns (uint256) {
        return (ROUND_BUDGET - FEE + (ROUND_BUDGET - FEE) % 4) / 4;
    }

    function test_reputationIsOfTheAccountAcrossProjects() public {
        run(4);
        uint256[] memory contributions = same(4, 0);
        contributions[0] = 1;
        finish(contributions, 0);
        uint256 reputation = market.reputationOf(trainers[0]);
        ProjectParams memory params = defaultParams();
        params.minReputationBps = uint16(reputation);
        id = create(params);
        enrol(0, 1);
        vm.expectRevert(
            abi.encodeWithSelector(ISteelyard.ReputationTooLow.selector, trainers[1], 5000 - 625, reputation)
        );
        vm.prank(trainers[1]);
        market.enrol(id);
    }

    function test_theLastAttemptStaysReadable() public {
        run(4);
        finish(same(4, 1), 0);
        finish(same(4, 1), 0);
        finish(same(4, 1), 0);
        Round memory round = market.getRound(id);
        assertEq(round.index, 2);
        assertEq(round.attempt, 3);
        assertStatus(RoundStatus.Decided);
        assertOutcome(RoundOutcome.Final);
    }
}
