// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Weighing} from "./base/Weighing.sol";
import {
    CreditKind,
    ISteelyard,
    LeaveReason,
    Member,
    Project,
    ProjectId,
    ProjectParams,
    ProjectStatus,
    Round,
    RoundOutcome,
    RoundStatus,
    Settlement
} from "./interfaces/ISteelyard.sol";
import {Rewards} from "./libraries/Rewards.sol";
import {SlotMask} from "./libraries/SlotMask.sol";

/// @title What opens, weighs, closes and ends: the second half of Steelyard's code
/// @notice Steelyard creates it, and runs it on its own storage by delegatecall: both together exceed the limit on the
/// size of a contract (EIP-170). Its functions are ISteelyard's and documented there. Called directly it knows no
/// project and only reverts; it holds neither state nor tokens.
contract Rounds is Weighing {
    using SafeCast for uint256;
    using SlotMask for uint32;

    /// @dev Attempts in a row after which a project is given up: not final for any reason, or for want of submissions.
    uint256 private constant MAX_FAILURES = 3;
    uint256 private constant MAX_TOO_FEW = 2;

    // ------------------------------------------------------------------------------------------------- calls

    function cancel(ProjectId projectId) external {
        State storage state = _inStatus(projectId, ProjectStatus.Enrolling);
        _requireCaller(state.project.params.owner);
        _end(projectId, state, ProjectStatus.Cancelled);
    }

    function leave(ProjectId projectId) external {
        State storage state = _states[projectId];
        ProjectStatus status = state.project.status;
        if (status != ProjectStatus.Enrolling) _requireStatus(projectId, status, ProjectStatus.Running);
        uint256 slot = _slotOf(projectId, state, msg.sender);
        if (status == ProjectStatus.Running) {
            state.project.leaving = state.project.leaving.add(slot);
            emit ISteelyard.TrainerLeaving(projectId, msg.sender);
        } else {
            _remove(projectId, state, slot, LeaveReason.Left);
            delete state.places[msg.sender];
            delete state.members[slot];
        }
    }

    function start(ProjectId projectId) external {
        State storage state = _inStatus(projectId, ProjectStatus.Enrolling);
        Project storage project = state.project;
        uint256 enrolled = project.active.count();
        if (block.timestamp < project.enrolDeadline && enrolled < project.params.maxTrainers) {
            _requireCaller(project.params.owner);
        }
        uint256 required = project.params.minTrainers;
        if (enrolled < required) revert ISteelyard.TooFewTrainers(projectId, enrolled, required);
        address aggregator = _draw(projectId, project.params, project.params.aggregator, address(0));
        if (aggregator == address(0)) revert ISteelyard.NoAggregator(projectId);
        _start(projectId, state, aggregator);
    }

    function poke(ProjectId projectId) external {
        State storage state = _states[projectId];
        Project storage project = state.project;
        if (project.status == ProjectStatus.Enrolling && block.timestamp >= project.enrolDeadline) {
            address aggregator = project.active.count() < project.params.minTrainers
                ? address(0)
                : _draw(projectId, project.params, project.params.aggregator, address(0));
            if (aggregator == address(0)) _end(projectId, state, ProjectStatus.Cancelled);
            else _start(projectId, state, aggregator);
            return;
        }
        (RoundStatus status, RoundOutcome outcome) = _statusOf(state);
        if (project.status != ProjectStatus.Running || status != RoundStatus.Decided) {
            revert ISteelyard.NothingToDo(projectId);
        }
        _close(projectId, state, outcome);
        _proceed(projectId, state, outcome);
    }

    function settle(ProjectId projectId, uint256 round, Settlement calldata settlement) external {
        State storage state = _inRound(projectId, round, RoundStatus.Weighing);
        _requireCaller(state.round.aggregator);
        Rows memory rows = _readRows(projectId, state, settlement);
        _weigh(projectId, state, rows, settlement);
        _record(state, rows);
        emit ISteelyard.RoundSettled(
            projectId, round, msg.sender, state.round.attempt, state.round.attestDeadline, settlement
        );
        _emitWeighed(projectId, state, rows);
    }

    function abandon(ProjectId projectId, uint256 round) external {
        State storage state = _inRound(projectId, round, RoundStatus.Weighing);
        _requireCaller(state.round.aggregator);
        _close(projectId, state, RoundOutcome.Abandoned);
        _proceed(projectId, state, RoundOutcome.Abandoned);
    }

    // ------------------------------------------------------------------------------------------------- opening

    function _start(ProjectId projectId, State storage state, address aggregator) private {
        state.project.status = ProjectStatus.Running;
        emit ISteelyard.ProjectStarted(projectId, state.project.active.count());
        _open(projectId, state, aggregator);
    }

    /// @param aggregator Zero where nobody can be drawn: the attempt then takes no submissions, and ends.
    function _open(ProjectId projectId, State storage state, address aggregator) private {
        Project storage project = state.project;
        Round memory round;
        round.index = project.round;
        round.attempt = ++project.attempt;
        round.aggregator = aggregator;
        round.submitDeadline = uint48(block.timestamp + project.params.submitSeconds);
        round.settleDeadline = round.submitDeadline + project.params.settleSeconds;
        state.round = round;
        if (aggregator != address(0)) {
            _lock(projectId, aggregator, project.params.token, project.params.aggregatorStake);
        }
        emit ISteelyard.RoundOpened(
            projectId, round.index, round.attempt, aggregator, round.submitDeadline, round.settleDeadline
        );
    }

    // ------------------------------------------------------------------------------------------------- closing

    function _close(ProjectId projectId, State storage state, RoundOutcome outcome) private {
        state.round.outcome = outcome;
        _closeAggregator(projectId, state, outcome);
        uint256 paid = _closeTrainers(projectId, state, outcome);
        uint256 toPool;
        if (outcome == RoundOutcome.Final) {
            (uint256 roundBudget, uint256 fee) = _budgetOf(state.project.params);
            toPool = roundBudget - fee - paid;
            state.project.pool += toPool.toUint128();
        }
        emit ISteelyard.RoundClosed(projectId, state.round.index, state.round.attempt, outcome, paid, toPool);
    }

    function _closeAggregator(ProjectId projectId, State storage state, RoundOutcome outcome) private {
        ProjectParams storage params = state.project.params;
        address aggregator = state.round.aggregator;
        if (aggregator == address(0)) return;
        uint256 slashed;
        if (outcome == RoundOutcome.Missed || outcome == RoundOutcome.Void) {
            slashed = Rewards.partOf(params.aggregatorStake, params.aggregatorSlashBps);
            _unregister(aggregator, params.token);
            if (aggregator == params.aggregator) state.preferredFailed = true;
        }
        _unlock(projectId, aggregator, params.token, params.aggregatorStake, slashed, 0);
        if (outcome == RoundOutcome.Final) {
            (, uint256 fee) = _budgetOf(params);
            _credit(projectId, aggregator, params.token, fee, CreditKind.Fee);
        }
    }

    function _closeTrainers(ProjectId projectId, State storage state, RoundOutcome outcome)
        private
        returns (uint256 paid)
    {
        // Where nobody submitted at all, there was no aggregator, its key was of no use or the model was not to be had:
        // that nobody came is held against nobody.
        bool counts = state.round.submitted != 0 && (outcome == RoundOutcome.Final || outcome == RoundOutcome.TooFew);
        uint32 present = outcome == RoundOutcome.Final ? state.weighed : state.round.submitted;
        uint32 active = state.project.active;
        uint32 leaving = state.project.leaving;
        for (uint256 slot; active >> slot != 0; ++slot) {
            if (!active.has(slot)) continue;
            LeaveReason reason;
            if (counts && !present.has(slot)) {
                reason = _recordAbsence(projectId, state, slot);
            } else if (outcome == RoundOutcome.Final) {
                paid += _pay(projectId, state, slot);
                reason = _recordPresence(projectId, state, slot);
            }
            if (reason == LeaveReason.None && leaving.has(slot)) reason = LeaveReason.Left;
            if (reason != LeaveReason.None) _remove(projectId, state, slot, reason);
        }
    }

    function _pay(ProjectId projectId, State storage state, uint256 slot) private returns (uint128 share) {
        Member storage member = state.members[slot];
        share = state.shares[slot];
        if (share == 0) return 0;
        member.earned += share;
        _credit(projectId, member.account, state.project.params.token, share, CreditKind.Share);
    }

    function _recordPresence(ProjectId projectId, State storage state, uint256 slot) private returns (LeaveReason) {
        Member storage member = state.members[slot];
        address account = member.account;
        uint16 target = state.targets[slot];
        if (target != 0) _moveReputation(projectId, account, target - 1, Rewards.WEIGHED_SHIFT);
        member.absences = 0;
        if (!state.opposed.has(slot)) return LeaveReason.None;
        uint8 strikes = member.strikes + 1;
        member.strikes = strikes;
        emit ISteelyard.StrikeRecorded(projectId, account, strikes);
        return strikes < state.project.params.maxStrikes ? LeaveReason.None : LeaveReason.Struck;
    }

    function _recordAbsence(ProjectId projectId, State storage state, uint256 slot) private returns (LeaveReason) {
        Member storage member = state.members[slot];
        address account = member.account;
        _moveReputation(projectId, account, 0, Rewards.ABSENT_SHIFT);
        uint8 absences = member.absences + 1;
        member.absences = absences;
        emit ISteelyard.AbsenceRecorded(projectId, account, absences);
        return absences < state.project.params.maxAbsences ? LeaveReason.None : LeaveReason.Absent;
    }

    function _moveReputation(ProjectId projectId, address account, uint256 target, uint256 shift) private {
        uint256 previous = _reputationOf(account);
        uint256 current = Rewards.approach(previous, target, shift);
        _reputations[account] = current + 1;
        emit ISteelyard.ReputationUpdated(account, projectId, previous, current);
    }

    /// @dev A struck member's slash goes half to the pool; the odd unit is burnt.
    function _remove(ProjectId projectId, State storage state, uint256 slot, LeaveReason reason) private {
        Project storage project = state.project;
        address account = state.members[slot].account;
        (project.active, project.leaving) = (project.active.remove(slot), project.leaving.remove(slot));
        uint128 stake = project.params.minStake;
        uint256 slashed = reason == LeaveReason.Struck ? Rewards.partOf(stake, project.params.slashBps) : 0;
        project.pool += (slashed / 2).toUint128();
        _unlock(projectId, account, project.params.token, stake, slashed, slashed / 2);
        emit ISteelyard.TrainerLeft(projectId, account, reason);
    }

    // ------------------------------------------------------------------------------------------------- going on, ending

    function _proceed(ProjectId projectId, State storage state, RoundOutcome outcome) private {
        Project storage project = state.project;
        if (outcome == RoundOutcome.Final) {
            (project.round, project.failures, project.tooFew) = (project.round + 1, 0, 0);
        } else {
            project.failures += 1;
            project.tooFew = outcome == RoundOutcome.TooFew ? project.tooFew + 1 : 0;
        }
        if (project.round == project.params.rounds) {
            _end(projectId, state, ProjectStatus.Completed);
        } else if (
            project.active.count() < project.params.minTrainers || project.failures >= MAX_FAILURES
                || project.tooFew >= MAX_TOO_FEW
        ) {
            _end(projectId, state, ProjectStatus.Failed);
        } else {
            address preferred = state.preferredFailed ? address(0) : project.params.aggregator;
            address avoided = outcome == RoundOutcome.Abandoned ? state.round.aggregator : address(0);
            _open(projectId, state, _draw(projectId, project.params, preferred, avoided));
        }
    }

    /// @dev The owner gets back what rounds that were never settled would have cost, and the dust of every division.
    function _end(ProjectId projectId, State storage state, ProjectStatus status) private {
        Project storage project = state.project;
        ProjectParams storage params = project.params;
        (uint256 roundBudget,) = _budgetOf(params);
        uint256 pool = project.pool;
        uint256 split = _splitPool(projectId, state, pool);
        uint256 refund = params.budget - project.round * roundBudget + pool - split;
        (project.status, project.pool) = (status, 0);
        for (uint256 slot; project.active != 0; ++slot) {
            if (project.active.has(slot)) _remove(projectId, state, slot, LeaveReason.Ended);
        }
        _credit(projectId, params.owner, params.token, refund, CreditKind.Refund);
        emit ISteelyard.ProjectEnded(projectId, status, refund, split);
    }

    /// @dev Members that have left or were removed keep their part of what they earned.
    function _splitPool(ProjectId projectId, State storage state, uint256 pool) private returns (uint256 split) {
        uint256 slots = state.project.params.maxTrainers;
        uint256[] memory earned = new uint256[](slots);
        for (uint256 slot; slot < slots; ++slot) {
            earned[slot] = state.members[slot].earned;
        }
        uint256[] memory parts = Rewards.computeShares(pool, earned, Rewards.sumOf(earned));
        for (uint256 slot; slot < slots; ++slot) {
            address account = state.members[slot].account;
            _credit(projectId, account, state.project.params.token, parts[slot], CreditKind.PoolSplit);
            split += parts[slot];
        }
    }
}
