// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {Rounds} from "./Rounds.sol";
import {StakeVault} from "./base/StakeVault.sol";
import {
    Cid,
    ISteelyard,
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
import {SlotMask} from "./libraries/SlotMask.sol";

/// @title Steelyard, a marketplace for federated learning
/// @dev Everything that a party does on its own account is here and in StakeVault. Everything that opens, weighs, closes
/// or ends is in Rounds, to which those calls are handed on as they are.
contract Steelyard is StakeVault {
    using Parameters for Cid;
    using Parameters for ProjectParams;
    using SlotMask for uint32;

    /// @dev Not declared by any contract below, so the storage layout is MarketStorage's.
    Rounds private immutable _rounds = new Rounds();

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
    function enrol(ProjectId projectId) external {
        State storage state = _inStatus(projectId, ProjectStatus.Enrolling);
        Project storage project = state.project;
        if (block.timestamp >= project.enrolDeadline) revert EnrolmentClosed(projectId, project.enrolDeadline);
        if (state.places[msg.sender] != 0) revert AlreadyEnrolled(projectId, msg.sender);
        if (project.rooted && msg.sender == project.params.owner) revert OwnerMayNotTrain(projectId, msg.sender);
        uint256 slot = project.active.firstFree();
        if (slot >= project.params.maxTrainers) revert ProjectFull(projectId, project.params.maxTrainers);
        uint256 reputation = _reputationOf(msg.sender);
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
    function cancel(ProjectId) external {
        _handOn();
    }

    /// @inheritdoc ISteelyard
    function leave(ProjectId) external {
        _handOn();
    }

    /// @inheritdoc ISteelyard
    function start(ProjectId) external {
        _handOn();
    }

    /// @inheritdoc ISteelyard
    function poke(ProjectId) external {
        _handOn();
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
        _take(projectId, state, slot, index, cid, commitmentHash);
        (state.round.submitted, state.round.submissions) = (submitted.add(slot), index + 1);
        emit UpdateSubmitted(projectId, round, msg.sender, attempt, index, cid, commitmentHash);
    }

    /// @inheritdoc ISteelyard
    function submitRoot(ProjectId projectId, uint256 round, Cid calldata cid, bytes32 commitmentHash) external {
        State storage state = _inRound(projectId, round, RoundStatus.Collecting);
        if (!state.project.rooted) revert NotRooted(projectId);
        _requireCaller(state.project.params.owner);
        if (state.round.aggregator == address(0)) revert NoAggregator(projectId);
        if (state.round.hasRoot) revert AlreadySubmitted(projectId, msg.sender);
        _take(projectId, state, 0, ROOT_INDEX, cid, commitmentHash);
        state.round.hasRoot = true;
        emit RootSubmitted(projectId, round, msg.sender, state.round.attempt, cid, commitmentHash);
    }

    /// @inheritdoc ISteelyard
    function settle(ProjectId, uint256, Settlement calldata) external {
        _handOn();
    }

    /// @inheritdoc ISteelyard
    function abandon(ProjectId, uint256) external {
        _handOn();
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

    // ------------------------------------------------------------------------------------------------- access

    /// @inheritdoc ISteelyard
    function publishKeys(ProjectId projectId, Cid calldata manifest) external {
        State storage state = _states[projectId];
        if (msg.sender != state.project.params.owner && state.places[msg.sender] == 0) {
            revert NotEnrolled(projectId, msg.sender);
        }
        manifest.requireValid();
        emit KeysPublished(projectId, msg.sender, manifest);
    }

    /// @inheritdoc ISteelyard
    function grantAccess(ProjectId projectId, address reader, uint256 fromRound, Cid calldata manifest) external {
        ProjectParams storage params = _states[projectId].project.params;
        _requireCaller(params.owner);
        if (fromRound > params.rounds) revert InvalidParameter("fromRound", fromRound);
        _requireKey(reader);
        manifest.requireValid();
        emit AccessGranted(projectId, reader, fromRound, manifest);
    }

    /// @inheritdoc ISteelyard
    function revokeAccess(ProjectId projectId, address reader) external {
        _requireCaller(_states[projectId].project.params.owner);
        emit AccessRevoked(projectId, reader);
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
        bool settled = state.round.attestDeadline != 0 && state.round.outcome == RoundOutcome.None;
        uint32 pending = settled ? state.weighed : 0;
        members = new Member[](length);
        for (uint256 slot; slot < length; ++slot) {
            members[slot] = state.members[slot];
            members[slot].active = state.project.active.has(slot);
            if (pending.has(slot)) members[slot].share = state.shares[slot];
        }
    }

    /// @inheritdoc ISteelyard
    function slotOf(ProjectId projectId, address account) external view returns (uint256) {
        return _slotOf(projectId, _states[projectId], account);
    }

    /// @inheritdoc ISteelyard
    function reputationOf(address account) external view returns (uint256) {
        return _reputationOf(account);
    }

    /// @inheritdoc ISteelyard
    function computeProjectId(ProjectParams calldata params, uint256 nonce) public view returns (ProjectId) {
        return ProjectId.wrap(keccak256(abi.encode(block.chainid, address(this), nonce, params)));
    }

    // ------------------------------------------------------------------------------------------------- internal

    function _create(ProjectParams calldata params) private returns (ProjectId projectId) {
        _requireCaller(params.owner);
        _requireOffered(address(params.verifier), Component.Verifier);
        _requireOffered(address(params.rule), Component.Rule);
        bool rooted = params.rule.rooted();
        params.requireValid(rooted ? 1 : 0);
        uint256 nonce = _nonces[msg.sender]++;
        projectId = computeProjectId(params, nonce);
        Project storage project = _states[projectId].project;
        project.params = params;
        project.status = ProjectStatus.Enrolling;
        project.enrolDeadline = uint64(block.timestamp + params.enrolSeconds);
        if (rooted) project.rooted = true;
        emit ProjectCreated(projectId, msg.sender, nonce, project.enrolDeadline, params, rooted);
        _pull(params.token, params.budget);
    }

    /// @dev Stores a submission of the caller under its hash, which nobody may have used in this attempt.
    function _take(
        ProjectId projectId,
        State storage state,
        uint256 slot,
        uint8 index,
        Cid calldata cid,
        bytes32 commitmentHash
    ) private {
        cid.requireValid();
        if (commitmentHash == 0) revert ZeroValue();
        Submission storage submission = state.submissions[state.round.attempt][commitmentHash];
        if (submission.trainer != address(0)) revert DuplicateCommitment(projectId, commitmentHash);
        (submission.trainer, submission.slot, submission.index) = (msg.sender, uint8(slot), index);
    }

    function _requireOffered(address component, Component kind) private view {
        if (_components[component] != kind) revert NotOffered(component);
    }

    /// @dev Runs the same call in Rounds, on this contract's storage. Its errors come back unchanged.
    function _handOn() private {
        Address.functionDelegateCall(address(_rounds), msg.data);
    }
}
