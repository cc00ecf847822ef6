// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Exclusion,
    ISteelyard,
    ProjectId,
    ProjectParams,
    ProjectStatus,
    Round,
    RoundOutcome,
    RoundStatus,
    Settlement
} from "../../src/interfaces/ISteelyard.sol";
import {Base} from "./Base.t.sol";

/// @notice The state machine as a whole: which call each state refuses, and that no silence locks money.
contract LivenessTest is Base {
    /// @dev The states of a project, each reached by real calls. Attempts that are decided wait for `poke`.
    enum Stage {
        Unknown,
        Enrolling,
        EnrolmentOver,
        Collecting,
        Weighing,
        Attesting,
        TooFew,
        Missed,
        Final,
        Void,
        Completed,
        Cancelled,
        Failed
    }

    /// @dev A settlement that was right in its time, as ABI bytes: it is the status that must refuse it.
    bytes private settlement;

    /// @dev Of the project that is brought to each stage.
    ProjectParams private params;

    function setUp() public override {
        super.setUp();
        params = defaultParams();
    }

    // ------------------------------------------------------------------------------------------------- every call

    function test_everyStageRefusesWhatIsNotItsTurn() public {
        for (uint256 i; i <= uint256(type(Stage).max); ++i) {
            uint256 state = vm.snapshotState();
            Stage stage = Stage(i);
            reach(stage);
            checkProjectCalls(stage);
            checkRoundCalls(stage);
            vm.revertToState(state);
        }
    }

    /// @dev Which project status each stage has, and which project calls it takes.
    function checkProjectCalls(Stage stage) private {
        ProjectStatus status = projectStatusOf(stage);
        assertStatus(status);
        bool enrolling = status == ProjectStatus.Enrolling;
        if (!enrolling) {
            revertsNotInStatus(status, ProjectStatus.Enrolling);
            vm.prank(owner);
            market.cancel(id);
            revertsNotInStatus(status, ProjectStatus.Enrolling);
            vm.prank(trainers[10]);
            market.enrol(id);
            revertsNotInStatus(status, ProjectStatus.Enrolling);
            vm.prank(owner);
            market.start(id);
        }
        if (!enrolling && status != ProjectStatus.Running) {
            revertsNotInStatus(status, ProjectStatus.Running);
            vm.prank(trainers[0]);
            market.leave(id);
        }
        bool due = stage == Stage.EnrolmentOver || stage == Stage.TooFew || stage == Stage.Missed
            || stage == Stage.Final || stage == Stage.Void;
        if (!due) refusesPoke();
    }

    /// @dev Which round status each stage has, and which of the four round calls it takes.
    function checkRoundCalls(Stage stage) private {
        RoundStatus status = roundStatusOf(stage);
        assertStatus(status);
        if (status != RoundStatus.Collecting) {
            vm.expectRevert(notInStatus(status, RoundStatus.Collecting));
            vm.prank(trainers[5]);
            market.submit(id, 0, cidOf("payload"), "hash");
        }
        if (status != RoundStatus.Weighing) {
            vm.expectRevert(notInStatus(status, RoundStatus.Weighing));
            vm.prank(alice);
            market.settle(id, 0, abi.decode(settlement, (Settlement)));
            vm.expectRevert(notInStatus(status, RoundStatus.Weighing));
            vm.prank(alice);
            market.abandon(id, 0);
        }
        if (status != RoundStatus.Attesting) {
            vm.expectRevert(notInStatus(status, RoundStatus.Attesting));
            vm.prank(trainers[0]);
            market.attest(id, 0, true);
        }
    }

    // ------------------------------------------------------------------------------------------------- silence

    /// @notice From every stage: everybody silent, and three pokes by a stranger end the project with nothing locked.
    function test_silenceFromEveryStageCostsThreePokes() public {
        checkSilence();
    }

    /// @notice The same where the owner owes roots.
    function test_silenceInARootedProjectCostsThreePokes() public {
        params.rule = rootedParams().rule;
        checkSilence();
    }

    function checkSilence() private {
        for (uint256 i = 1; i <= uint256(type(Stage).max); ++i) {
            uint256 state = vm.snapshotState();
            reach(Stage(i));
            uint256 pokes;
            while (uint256(market.getProject(id).status) < uint256(ProjectStatus.Completed)) {
                passDeadline();
                poke();
                ++pokes;
            }
            assertLe(pokes, 3);
            assertPrincipalIsBack();
            vm.revertToState(state);
        }
    }

    /// @notice The same where trainers go on and every aggregator is silent.
    function test_silentAggregatorsCostThreePokes() public {
        run(4);
        offer(bob);
        offer(stranger);
        for (uint256 i; i < 3; ++i) {
            assertStatus(ProjectStatus.Running);
            submit(0, 4);
            vm.warp(market.getRound(id).settleDeadline);
            poke();
        }
        assertStatus(ProjectStatus.Failed);
        assertEq(creditOf(owner), BUDGET);
        assertEq(market.burntOf(address(token)), 3 * (uint256(AGGREGATOR_STAKE) * 3333 / 10_000));
        assertEq(market.aggregatorsOf(address(token)).length, 0);
        assertPrincipalIsBack();
    }

    /// @notice A poke that comes a second early does nothing, at every deadline.
    function test_RevertWhen_pokeIsASecondEarly() public {
        Stage[4] memory stages = [Stage.Enrolling, Stage.Collecting, Stage.Weighing, Stage.Attesting];
        for (uint256 i; i < 4; ++i) {
            uint256 state = vm.snapshotState();
            reach(stages[i]);
            uint256 deadline = deadlineOf();
            vm.warp(deadline - 1);
            refusesPoke();
            vm.warp(deadline);
            poke();
            vm.revertToState(state);
        }
    }

    // ------------------------------------------------------------------------------------------------- helpers

    function reach(Stage stage) private {
        id = ProjectId.wrap("unknown");
        settlement = abi.encode(emptySettlement());
        if (stage == Stage.Unknown) return;
        offer(alice);
        id = create(params);
        enrol(0, 6);
        if (stage == Stage.Cancelled) {
            vm.prank(owner);
            market.cancel(id);
        }
        if (stage == Stage.EnrolmentOver) vm.warp(market.getProject(id).enrolDeadline);
        if (stage == Stage.Enrolling || stage == Stage.Cancelled || stage == Stage.EnrolmentOver) return;
        vm.prank(owner);
        market.start(id);
        reachInRound(stage);
    }

    function reachInRound(Stage stage) private {
        if (stage == Stage.Collecting) {
            submit(0, 2);
            return;
        }
        if (stage == Stage.TooFew || stage == Stage.Failed) {
            submit(0, 2);
            vm.warp(market.getRound(id).submitDeadline);
        }
        if (stage == Stage.Failed) {
            poke();
            vm.warp(market.getRound(id).submitDeadline);
            poke();
        }
        if (stage == Stage.TooFew || stage == Stage.Failed) return;
        if (stage == Stage.Completed) {
            for (uint256 i; i < ROUNDS; ++i) {
                finish(same(6, 1), 0);
            }
            return;
        }
        submit(0, 6);
        if (market.getProject(id).rooted) submitRoot();
        Settlement memory built = build(range(0, 6), new Exclusion[](0), scriptOf(same(6, 1), 0));
        settlement = abi.encode(built);
        if (stage == Stage.Missed) vm.warp(market.getRound(id).settleDeadline);
        if (stage == Stage.Weighing || stage == Stage.Missed) return;
        settle(built);
        if (stage == Stage.Attesting) return;
        for (uint256 i; i < 4; ++i) {
            attest(i, stage == Stage.Final);
        }
    }

    function projectStatusOf(Stage stage) private pure returns (ProjectStatus) {
        if (stage == Stage.Unknown) return ProjectStatus.None;
        if (stage == Stage.Enrolling || stage == Stage.EnrolmentOver) return ProjectStatus.Enrolling;
        if (stage == Stage.Completed) return ProjectStatus.Completed;
        if (stage == Stage.Cancelled) return ProjectStatus.Cancelled;
        if (stage == Stage.Failed) return ProjectStatus.Failed;
        return ProjectStatus.Running;
    }

    function roundStatusOf(Stage stage) private pure returns (RoundStatus) {
        if (stage == Stage.Collecting) return RoundStatus.Collecting;
        if (stage == Stage.Weighing) return RoundStatus.Weighing;
        if (stage == Stage.Attesting) return RoundStatus.Attesting;
        ProjectStatus status = projectStatusOf(stage);
        bool started =
            status != ProjectStatus.None && status != ProjectStatus.Enrolling && status != ProjectStatus.Cancelled;
        return started ? RoundStatus.Decided : RoundStatus.None;
    }

    /// @dev The deadline that the project waits for.
    function deadlineOf() private view returns (uint256) {
        if (market.getProject(id).status == ProjectStatus.Enrolling) return market.getProject(id).enrolDeadline;
        Round memory round = market.getRound(id);
        if (round.status == RoundStatus.Collecting) return round.submitDeadline;
        if (round.status == RoundStatus.Weighing) return round.settleDeadline;
        if (round.status == RoundStatus.Attesting) return round.attestDeadline;
        return block.timestamp;
    }

    function passDeadline() private {
        uint256 deadline = deadlineOf();
        if (deadline > block.timestamp) vm.warp(deadline);
    }

    /// @dev Nothing is locked, and stakes, credits and what was burnt are all that came in.
    function assertPrincipalIsBack() private view {
        uint256 sum = market.burntOf(address(token));
        address[4] memory others = [owner, alice, bob, stranger];
        for (uint256 i; i < 36; ++i) {
            address account = i < 32 ? trainers[i] : others[i - 32];
            assertEq(stakeOf(account).locked, 0);
            sum += stakeOf(account).free + creditOf(account);
        }
        assertEq(sum, token.balanceOf(address(market)));
    }

    function emptySettlement() private pure returns (Settlement memory empty) {}
}
