// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {AggregatorRegistry} from "./base/AggregatorRegistry.sol";
import {StakeVault} from "./base/StakeVault.sol";
import {
    Cid,
    CreditKind,
    ExclusionReason,
    ISteelyard,
    LeaveReason,
    Member,
    Permit,
    Project,
    ProjectId,
    ProjectParams,
    ProjectStatus,
    Round,
    RoundOutcome,
    RoundStatus,
    Settlement
} from "./interfaces/ISteelyard.sol";
import {Parameters} from "./libraries/Parameters.sol";
import {Rewards} from "./libraries/Rewards.sol";
import {RoundState} from "./libraries/RoundState.sol";
import {SlotMask} from "./libraries/SlotMask.sol";

/// @title Steelyard, a marketplace for federated learning
/// @dev The story in order: projects, rounds, how an attempt is weighed, how it is closed, how a project ends.
contract Steelyard is AggregatorRegistry {
    using Parameters for Cid;
    using Parameters for ProjectParams;
    using RoundState for Round;
    using SafeCast for uint256;
    using SlotMask for uint32;

    enum Component {
        None,
        Verifier,
        Rule
    }

    struct Submission {
        bool exists;
        uint8 slot;
        uint8 index;
    }

    /// @param weighed Rows of the current settlement.
    /// @param opposed Rows of it that earned a strike.
    /// @param preferredFailed Whether the project's own aggregator has missed a deadline or was voided.
    /// @param targets One more than the reputation that a weighed row moves toward; 0 leaves it alone.
    /// @param places One more than an account's slot. Stays when a running project removes a member.
    struct State {
        Project project;
        Round round;
        uint32 weighed;
        uint32 opposed;
        bool preferredFailed;
        uint16[32] targets;
        Member[32] members;
        mapping(address account => uint256) places;
        mapping(uint256 attempt => mapping(bytes32 commitmentHash => Submission)) submissions;
    }

    /// @dev The rows of a settlement and what became of them.
    struct Rows {
        uint256[] slots;
        address[] trainers;
        bytes32[] hashes;
        uint256 f;
        uint256 budget;
        uint256[] weights;
        uint256[] contributions;
        uint256[] shares;
        uint256 opposed;
    }

    /// @dev Attempts in a row after which a project is given up: not final for any reason, or for want of submissions.
    uint256 private constant MAX_FAILURES = 3;
    uint256 private constant MAX_TOO_FEW = 2;

    uint256 private constant POINT_BYTES = 128;
    uint256 private constant SCALAR_BYTES = 32;
    uint256 private constant GRAM_ENTRY_BYTES = 8;

    mapping(address component => Component) private _components;
    mapping(address owner => uint256) private _nonces;
    mapping(ProjectId => State) private _states;

    /// @dev One more than the reputation, so that 0 means none yet.
    mapping(address account => uint256) private _reputations;

    /// @param verifiers Gram verifiers that projects may name.
    /// @param rules Weighing rules that projects may name. Both lists are fixed for good: a component of the owner's own
    /// making could get an honest aggregator slashed.
    /// @param unbondingSeconds_ Delay between `unbond` and `withdraw`.
    constructor(address[] memory verifiers, address[] memory rules, uint256 unbondingSeconds_)
        StakeVault(unbondingSeconds_)
    {
        for (uint256 i; i < verifiers.length; ++i) {
            _components[verifiers[i]] = Component.Verifier;
        }
        for (uint256 i; i < rules.length; ++i) {
            _components[rules[i]] = Component.Rule;
        }
    }

    // ------------------------------------------------------------------------------------------------- projects

    /// @inheritdoc ISteelyard
    function createProject(ProjectParams calldata params) external nonReentrant returns (ProjectId) {
        return _create(params);
    }

    /// @inheritdoc ISteelyard
    function createProjectWithPermit(ProjectParams calldata params, Permit calldata permit)
        external
        nonReentrant
        returns (ProjectId)
    {
        _usePermit(params.token, params.budget, permit);
        return _create(params);
    }

    /// @inheritdoc ISteelyard
    function cancel(ProjectId projectId) external {
        State storage state = _inStatus(projectId, ProjectStatus.Enrolling);
        _requireCaller(state.project.params.owner);
        _end(projectId, state, ProjectStatus.Cancelled);
    }

    /// @inheritdoc ISteelyard
    function enrol(ProjectId projectId) external {
        State storage state = _inStatus(projectId, ProjectStatus.Enrolling);
        Project storage project = state.project;
        if (block.timestamp >= project.enrolDeadline) revert EnrolmentClosed(projectId, project.enrolDeadline);
        if (state.places[msg.sender] != 0) revert AlreadyEnrolled(projectId, msg.sender);
        uint256 slot = project.active.firstFree();
        if (slot >= project.params.maxTrainers) revert ProjectFull(projectId, project.params.maxTrainers);
        uint256 reputation = reputationOf(msg.sender);
        if (reputation < project.params.minReputationBps) {
            revert ReputationTooLow(msg.sender, reputation, project.params.minReputationBps);
        }
        _requireKey(msg.sender);
        state.places[msg.sender] = slot + 1;
        state.members[slot].account = msg.sender;
        project.active = project.active.add(slot);
        emit TrainerEnrolled(projectId, msg.sender, slot);
        _lock(projectId, msg.sender, project.params.token, project.params.minStake);
    }

    /// @inheritdoc ISteelyard
    function leave(ProjectId projectId) external {
        State storage state = _states[projectId];
        ProjectStatus status = state.project.status;
        if (status != ProjectStatus.Enrolling) _requireStatus(projectId, status, ProjectStatus.Running);
        uint256 slot = _slotOf(projectId, state, msg.sender);
        if (status == ProjectStatus.Running) {
            state.project.leaving = state.project.leaving.add(slot);
            emit TrainerLeaving(projectId, msg.sender);
        } else {
            _remove(projectId, state, slot, LeaveReason.Left);
            delete state.places[msg.sender];
            delete state.members[slot];
        }
    }

    /// @inheritdoc ISteelyard
    function start(ProjectId projectId) external {
        State storage state = _inStatus(projectId, ProjectStatus.Enrolling);
        Project storage project = state.project;
        uint256 enrolled = project.active.count();
        if (block.timestamp < project.enrolDeadline && enrolled < project.params.maxTrainers) {
            _requireCaller(project.params.owner);
        }
        uint256 required = project.params.minTrainers;
        if (enrolled < required) revert TooFewTrainers(projectId, enrolled, required);
        address aggregator = _draw(projectId, project.params, project.params.aggregator, address(0));
        if (aggregator == address(0)) revert NoAggregator(projectId);
        _start(projectId, state, aggregator);
    }

    /// @inheritdoc ISteelyard
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
        if (project.status != ProjectStatus.Running || status != RoundStatus.Decided) revert NothingToDo(projectId);
        _close(projectId, state, outcome);
        _proceed(projectId, state, outcome);
    }

    // ------------------------------------------------------------------------------------------------- rounds

    /// @inheritdoc ISteelyard
    function submit(ProjectId projectId, uint256 round, Cid calldata cid, bytes32 commitmentHash) external {
        State storage state = _inRound(projectId, round, RoundStatus.Collecting);
        if (state.round.aggregator == address(0)) revert NoAggregator(projectId);
        uint256 slot = _slotOf(projectId, state, msg.sender);
        (uint32 submitted, uint8 index, uint32 attempt) =
            (state.round.submitted, state.round.submissions, state.round.attempt);
        if (submitted.has(slot)) revert AlreadySubmitted(projectId, msg.sender);
        cid.requireValid();
        if (commitmentHash == 0) revert ZeroValue();
        Submission storage submission = state.submissions[attempt][commitmentHash];
        if (submission.exists) revert DuplicateCommitment(projectId, commitmentHash);

        (submission.exists, submission.slot, submission.index) = (true, uint8(slot), index);
        (state.round.submitted, state.round.submissions) = (submitted.add(slot), index + 1);
        emit UpdateSubmitted(projectId, round, msg.sender, attempt, index, cid, commitmentHash);
    }

    /// @inheritdoc ISteelyard
    function settle(ProjectId projectId, uint256 round, Settlement calldata settlement) external {
        State storage state = _inRound(projectId, round, RoundStatus.Weighing);
        _requireCaller(state.round.aggregator);
        Rows memory rows = _readRows(projectId, state, settlement);
        _weigh(projectId, state, rows, settlement);
        _record(state, rows);
        emit RoundSettled(
            projectId, round, msg.sender, state.round.attempt, state.round.attestDeadline, settlement
        );
        _emitWeighed(projectId, state, rows);
    }

    /// @inheritdoc ISteelyard
    function abandon(ProjectId projectId, uint256 round) external {
        State storage state = _inRound(projectId, round, RoundStatus.Weighing);
        _requireCaller(state.round.aggregator);
        _close(projectId, state, RoundOutcome.Abandoned);
        _proceed(projectId, state, RoundOutcome.Abandoned);
    }

    /// @inheritdoc ISteelyard
    function attest(ProjectId projectId, uint256 round, bool opens) external {
        State storage state = _inRound(projectId, round, RoundStatus.Attesting);
        Round storage current = state.round;
        uint256 place = state.places[msg.sender];
        if (place == 0 || !current.attesters.has(place - 1)) revert NotAttester(projectId, msg.sender);
        uint256 slot = place - 1;
        if ((current.approvals | current.objections).has(slot)) revert AlreadyAttested(projectId, msg.sender);
        if (opens) current.approvals = current.approvals.add(slot);
        else current.objections = current.objections.add(slot);
        emit Attested(projectId, round, msg.sender, current.attempt, opens);
    }

    // ------------------------------------------------------------------------------------------------- views

    /// @inheritdoc ISteelyard
    function isOffered(address component) external view returns (bool) {
        return _components[component] != Component.None;
    }

    /// @inheritdoc ISteelyard
    function nonceOf(address owner) external view returns (uint256) {
        return _nonces[owner];
    }

    /// @inheritdoc ISteelyard
    function getProject(ProjectId projectId) external view returns (Project memory) {
        return _states[projectId].project;
    }

    /// @inheritdoc ISteelyard
    function getRound(ProjectId projectId) external view returns (Round memory round) {
        State storage state = _states[projectId];
        round = state.round;
        (round.status, round.outcome) = _statusOf(state);
    }

    /// @inheritdoc ISteelyard
    function getMembers(ProjectId projectId) external view returns (Member[] memory members) {
        State storage state = _states[projectId];
        uint256 length = state.project.params.maxTrainers;
        while (length != 0 && state.members[length - 1].account == address(0)) {
            --length;
        }
        members = new Member[](length);
        for (uint256 slot; slot < length; ++slot) {
            members[slot] = state.members[slot];
            members[slot].active = state.project.active.has(slot);
        }
    }

    /// @inheritdoc ISteelyard
    function slotOf(ProjectId projectId, address account) external view returns (uint256) {
        return _slotOf(projectId, _states[projectId], account);
    }

    /// @inheritdoc ISteelyard
    function reputationOf(address account) public view returns (uint256) {
        uint256 stored = _reputations[account];
        return stored == 0 ? Rewards.INITIAL_REPUTATION : stored - 1;
    }

    /// @inheritdoc ISteelyard
    function computeProjectId(ProjectParams calldata params, uint256 nonce) public view returns (ProjectId) {
        return ProjectId.wrap(keccak256(abi.encode(block.chainid, address(this), nonce, params)));
    }

    // ------------------------------------------------------------------------------------------------- guards

    function _requireCaller(address expected) private view {
        if (msg.sender != expected) revert NotAuthorized(msg.sender, expected);
    }

    function _requireStatus(ProjectId projectId, ProjectStatus status, ProjectStatus expected) private pure {
        if (status != expected) revert ProjectNotInStatus(projectId, status, expected);
    }

    function _inStatus(ProjectId projectId, ProjectStatus expected) private view returns (State storage state) {
        state = _states[projectId];
        _requireStatus(projectId, state.project.status, expected);
    }

    function _inRound(ProjectId projectId, uint256 round, RoundStatus expected)
        private
        view
        returns (State storage state)
    {
        state = _states[projectId];
        (RoundStatus status,) = _statusOf(state);
        if (status != expected) revert RoundNotInStatus(projectId, status, expected);
        if (round != state.round.index) revert WrongRound(projectId, round, state.round.index);
    }

    function _statusOf(State storage state) private view returns (RoundStatus, RoundOutcome) {
        return state.round.compute(state.project.active, state.project.params.minTrainers, block.timestamp);
    }

    function _slotOf(ProjectId projectId, State storage state, address account) private view returns (uint256) {
        uint256 place = state.places[account];
        if (place == 0 || !state.project.active.has(place - 1)) revert NotEnrolled(projectId, account);
        return place - 1;
    }

    function _isActiveMember(ProjectId projectId, address account) internal view override returns (bool) {
        State storage state = _states[projectId];
        uint256 place = state.places[account];
        return place != 0 && state.project.active.has(place - 1);
    }

    // ------------------------------------------------------------------------------------------------- opening

    function _create(ProjectParams calldata params) private returns (ProjectId projectId) {
        _requireCaller(params.owner);
        _requireOffered(address(params.verifier), Component.Verifier);
        _requireOffered(address(params.rule), Component.Rule);
        params.requireValid();
        uint256 nonce = _nonces[msg.sender]++;
        projectId = computeProjectId(params, nonce);
        Project storage project = _states[projectId].project;
        project.params = params;
        project.status = ProjectStatus.Enrolling;
        project.enrolDeadline = uint64(block.timestamp + params.enrolSeconds);
        emit ProjectCreated(projectId, msg.sender, nonce, project.enrolDeadline, params);
        _pull(params.token, params.budget);
    }

    function _requireOffered(address component, Component kind) private view {
        if (_components[component] != kind) revert NotOffered(component);
    }

    function _start(ProjectId projectId, State storage state, address aggregator) private {
        state.project.status = ProjectStatus.Running;
        emit ProjectStarted(projectId, state.project.active.count());
        _open(projectId, state, aggregator);
    }

    /// @param aggregator Zero where nobody can be drawn: the attempt then takes no submissions, and ends.
    function _open(ProjectId projectId, State storage state, address aggregator) private {
        Project storage project = state.project;
        Round memory round;
        round.index = project.round;
        round.attempt = ++project.attempt;
        round.aggregator = aggregator;
        round.submitDeadline = uint64(block.timestamp + project.params.submitSeconds);
        round.settleDeadline = round.submitDeadline + project.params.settleSeconds;
        state.round = round;
        if (aggregator != address(0)) {
            _lock(projectId, aggregator, project.params.token, project.params.aggregatorStake);
        }
        emit RoundOpened(
            projectId, round.index, round.attempt, aggregator, round.submitDeadline, round.settleDeadline
        );
    }

    // ------------------------------------------------------------------------------------------------- weighing

    /// @dev Matches rows and exclusions with the submissions: all of them, each once, in their order.
    function _readRows(ProjectId projectId, State storage state, Settlement calldata settlement)
        private
        view
        returns (Rows memory rows)
    {
        uint256 n = _countRows(projectId, state, settlement);
        uint256 blocks = state.project.params.verifier.blocksOf(state.project.params.dimension);
        _requireLength(settlement.commitments.length, POINT_BYTES * n * blocks);
        _requireLength(settlement.gram.length, GRAM_ENTRY_BYTES * (n * (n + 1) / 2));
        _requireLength(settlement.blinders.length, SCALAR_BYTES * blocks);
        settlement.aggregateCid.requireValid();

        (rows.slots, rows.trainers, rows.hashes) = (new uint256[](n), new address[](n), new bytes32[](n));
        rows.f = Rewards.toleratedOf(n, state.project.params.byzantineBps);
        uint256 stride = POINT_BYTES * blocks;
        uint256 skipped;
        for (uint256 row; row < n; ++row) {
            while (
                skipped < settlement.exclusions.length && settlement.exclusions[skipped].index == row + skipped
            ) {
                ++skipped;
            }
            bytes32 hash = keccak256(settlement.commitments[row * stride:(row + 1) * stride]);
            uint256 slot = _findSubmission(projectId, state, row, hash, row + skipped);
            (rows.slots[row], rows.trainers[row], rows.hashes[row]) = (slot, state.members[slot].account, hash);
        }
    }

    /// @dev More than `f` unusable submissions can only be abandoned: honest rows might otherwise be a minority.
    function _countRows(ProjectId projectId, State storage state, Settlement calldata settlement)
        private
        view
        returns (uint256)
    {
        uint256 submissions = state.round.submissions;
        uint256 excluded = settlement.exclusions.length;
        uint256 limit = Rewards.toleratedOf(submissions, state.project.params.byzantineBps);
        if (excluded > limit) revert TooManyExclusions(projectId, excluded, limit);
        uint256 next;
        for (uint256 i; i < excluded; ++i) {
            uint256 index = settlement.exclusions[i].index;
            if (index < next || index >= submissions || settlement.exclusions[i].reason == ExclusionReason.None) {
                revert InvalidExclusion(i);
            }
            next = index + 1;
        }
        return submissions - excluded;
    }

    function _findSubmission(ProjectId projectId, State storage state, uint256 row, bytes32 hash, uint256 expected)
        private
        view
        returns (uint256)
    {
        Submission memory submission = state.submissions[state.round.attempt][hash];
        if (!submission.exists) revert UnknownSubmission(projectId, row, hash);
        if (submission.index != expected) revert SubmissionMismatch(projectId, row, submission.index, expected);
        return submission.slot;
    }

    function _requireLength(uint256 actual, uint256 expected) private pure {
        if (actual != expected) revert InvalidSettlementLength(actual, expected);
    }

    function _weigh(ProjectId projectId, State storage state, Rows memory rows, Settlement calldata settlement)
        private
        view
    {
        ProjectParams storage params = state.project.params;
        uint256 n = rows.slots.length;
        bytes32 submissionsHash = keccak256(abi.encode(rows.trainers, rows.hashes));
        bytes32 context = keccak256(
            abi.encode(block.chainid, address(this), projectId, uint256(state.round.index), submissionsHash)
        );
        params.verifier.verify(
            context, n, params.dimension, settlement.commitments, settlement.gram, settlement.proof
        );
        (rows.weights, rows.contributions, rows.opposed) =
            params.rule.weigh(settlement.gram, n, rows.f, params.dimension, settlement.hints);
    }

    /// @dev Credits, strikes and reputation wait for the attempt to become final, so a void one has nothing to undo.
    function _record(State storage state, Rows memory rows) private {
        (uint256 roundBudget, uint256 fee) = _budgetOf(state.project.params);
        uint256 total = _sum(rows.contributions);
        rows.budget = roundBudget - fee;
        rows.shares = Rewards.computeShares(rows.budget, rows.contributions, total);
        uint256 n = rows.slots.length;
        uint32 weighed;
        uint32 opposed;
        uint32 paid;
        uint32 moving;
        for (uint256 row; row < n; ++row) {
            uint256 slot = rows.slots[row];
            bool strike = (rows.opposed >> row) & 1 == 1;
            weighed = weighed.add(slot);
            if (strike) opposed = opposed.add(slot);
            if (rows.shares[row] != 0) paid = paid.add(slot);
            if (rows.weights[row] != 0) moving = moving.add(slot);
            state.members[slot].share = rows.shares[row].toUint128();
            state.targets[slot] = _targetOf(rows.contributions[row], n, total, strike);
        }
        (state.weighed, state.opposed) = (weighed, opposed);
        state.round.attesters = paid != 0 ? paid : moving;
        state.round.attestDeadline = uint64(block.timestamp + state.project.params.attestSeconds);
    }

    function _targetOf(uint256 contribution, uint256 n, uint256 total, bool strike) private pure returns (uint16) {
        if (total == 0) return 0;
        return strike ? 1 : uint16(Rewards.targetOf(contribution, n, total) + 1);
    }

    function _emitWeighed(ProjectId projectId, State storage state, Rows memory rows) private {
        emit RoundWeighed(
            projectId,
            state.round.index,
            state.round.attempt,
            rows.trainers,
            rows.f,
            rows.budget,
            rows.weights,
            rows.contributions,
            rows.shares,
            rows.opposed
        );
    }

    function _sum(uint256[] memory values) private pure returns (uint256 total) {
        for (uint256 i; i < values.length; ++i) {
            total += values[i];
        }
    }

    /// @return roundBudget What one round costs the owner.
    /// @return fee The aggregator's part of it.
    function _budgetOf(ProjectParams storage params) private view returns (uint256 roundBudget, uint256 fee) {
        roundBudget = params.budget / params.rounds;
        fee = Rewards.partOf(roundBudget, params.aggregatorFeeBps);
    }

    // ------------------------------------------------------------------------------------------------- closing

    function _close(ProjectId projectId, State storage state, RoundOutcome outcome) private {
        state.round.outcome = outcome;
        uint256 toPool;
        _closeAggregator(projectId, state, outcome);
        uint256 paid = _closeTrainers(projectId, state, outcome);
        if (outcome == RoundOutcome.Final) {
            (uint256 roundBudget, uint256 fee) = _budgetOf(state.project.params);
            toPool = roundBudget - fee - paid;
            state.project.pool += toPool.toUint128();
        }
        emit RoundClosed(projectId, state.round.index, state.round.attempt, outcome, paid, toPool);
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
        // Nobody could submit where there was no aggregator, so nobody was absent.
        bool counts = state.round.aggregator != address(0)
            && (outcome == RoundOutcome.Final || outcome == RoundOutcome.TooFew);
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
            } else {
                state.members[slot].share = 0;
            }
            if (reason == LeaveReason.None && leaving.has(slot)) reason = LeaveReason.Left;
            if (reason != LeaveReason.None) _remove(projectId, state, slot, reason);
        }
    }

    function _pay(ProjectId projectId, State storage state, uint256 slot) private returns (uint128 share) {
        Member storage member = state.members[slot];
        share = member.share;
        if (share == 0) return 0;
        (member.share, member.earned) = (0, member.earned + share);
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
        emit StrikeRecorded(projectId, account, strikes);
        return strikes < state.project.params.maxStrikes ? LeaveReason.None : LeaveReason.Struck;
    }

    function _recordAbsence(ProjectId projectId, State storage state, uint256 slot) private returns (LeaveReason) {
        Member storage member = state.members[slot];
        address account = member.account;
        _moveReputation(projectId, account, 0, Rewards.ABSENT_SHIFT);
        uint8 absences = member.absences + 1;
        member.absences = absences;
        emit AbsenceRecorded(projectId, account, absences);
        return absences < state.project.params.maxAbsences ? LeaveReason.None : LeaveReason.Absent;
    }

    function _moveReputation(ProjectId projectId, address account, uint256 target, uint256 shift) private {
        uint256 previous = reputationOf(account);
        uint256 current = Rewards.approach(previous, target, shift);
        _reputations[account] = current + 1;
        emit ReputationUpdated(account, projectId, previous, current);
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
        emit TrainerLeft(projectId, account, reason);
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
        emit ProjectEnded(projectId, status, refund, split);
    }

    /// @dev Members that have left or were removed keep their part of what they earned.
    function _splitPool(ProjectId projectId, State storage state, uint256 pool) private returns (uint256 split) {
        uint256 slots = state.project.params.maxTrainers;
        uint256[] memory earned = new uint256[](slots);
        for (uint256 slot; slot < slots; ++slot) {
            earned[slot] = state.members[slot].earned;
        }
        uint256[] memory parts = Rewards.computeShares(pool, earned, _sum(earned));
        for (uint256 slot; slot < slots; ++slot) {
            address account = state.members[slot].account;
            _credit(projectId, account, state.project.params.token, parts[slot], CreditKind.PoolSplit);
            split += parts[slot];
        }
    }
}
