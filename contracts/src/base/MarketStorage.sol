// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    AggregatorTerms,
    ISteelyard,
    Member,
    Project,
    ProjectId,
    ProjectStatus,
    Round,
    RoundOutcome,
    RoundStatus,
    Stake
} from "../interfaces/ISteelyard.sol";
import {Rewards} from "../libraries/Rewards.sol";
import {RoundState} from "../libraries/RoundState.sol";
import {SlotMask} from "../libraries/SlotMask.sol";

/// @title All that the marketplace stores, and how to read it
/// @dev Steelyard and Rounds run on the same storage, so no contract above this one declares any of its own.
abstract contract MarketStorage {
    using RoundState for Round;
    using SlotMask for uint32;

    enum Component {
        None,
        Verifier,
        Rule
    }

    /// @param place One more than the index in the token's list of aggregators; 0 for no offer.
    struct Offer {
        AggregatorTerms terms;
        uint32 place;
    }

    /// @param trainer Zero for what nobody has submitted. Kept here so that settling reads one storage slot a row.
    /// @param index Its place in the order of submission; `ROOT_INDEX` for the owner's root, which has no slot.
    struct Submission {
        address trainer;
        uint8 slot;
        uint8 index;
    }

    /// @param round The current attempt; its `status` is derived, never written.
    /// @param weighed Members that are rows of the current settlement.
    /// @param opposed Those of them that earned a strike.
    /// @param preferredFailed Whether the project's own aggregator has missed a deadline or was voided.
    /// @param shares What each weighed member is paid if the settlement becomes final; two to a storage slot.
    /// @param targets One more than the reputation that a weighed member moves toward; 0 leaves it alone.
    /// @param members By slot; their `active` and `share` are derived, never written.
    /// @param places One more than an account's slot. Stays when a running project removes a member.
    struct State {
        Project project;
        Round round;
        uint32 weighed;
        uint32 opposed;
        bool preferredFailed;
        uint128[32] shares;
        uint16[32] targets;
        Member[32] members;
        mapping(address account => uint256) places;
        mapping(uint256 attempt => mapping(bytes32 commitmentHash => Submission)) submissions;
    }

    /// @dev The index of a submission that is a root: no trainer's, of whom there are 32 at most.
    uint8 internal constant ROOT_INDEX = type(uint8).max;

    mapping(address component => Component) internal _components;
    mapping(address owner => uint256) internal _nonces;
    mapping(ProjectId => State) internal _states;

    /// @dev One more than the reputation; 0 for an account that no round has rated yet.
    mapping(address account => uint256) internal _reputations;

    mapping(address account => bytes32) internal _keys;
    mapping(address token => address[]) internal _aggregators;
    mapping(address account => mapping(address token => Offer)) internal _offers;

    mapping(address account => mapping(address token => Stake)) internal _stakes;
    mapping(address account => mapping(address token => uint256)) internal _credits;
    mapping(address token => uint256) internal _burnt;

    /// @dev sha2-256 of a hybrid public key.
    mapping(address account => bytes32) internal _hybridKeys;

    // ------------------------------------------------------------------------------------------------- reading

    function _requireCaller(address expected) internal view {
        if (msg.sender != expected) revert ISteelyard.NotAuthorized(msg.sender, expected);
    }

    function _requireKey(address account) internal view {
        if (_keys[account] == 0) revert ISteelyard.KeyMissing(account);
    }

    function _requireStatus(ProjectId projectId, ProjectStatus status, ProjectStatus expected) internal pure {
        if (status != expected) revert ISteelyard.ProjectNotInStatus(projectId, status, expected);
    }

    function _inStatus(ProjectId projectId, ProjectStatus expected) internal view returns (State storage state) {
        state = _states[projectId];
        _requireStatus(projectId, state.project.status, expected);
    }

    function _inRound(ProjectId projectId, uint256 round, RoundStatus expected)
        internal
        view
        returns (State storage state)
    {
        state = _states[projectId];
        (RoundStatus status,) = _statusOf(state);
        if (status != expected) revert ISteelyard.RoundNotInStatus(projectId, status, expected);
        if (round != state.round.index) revert ISteelyard.WrongRound(projectId, round, state.round.index);
    }

    function _statusOf(State storage state) internal view returns (RoundStatus, RoundOutcome) {
        Project storage project = state.project;
        return state.round.compute(project.active, project.params.minTrainers, project.rooted, block.timestamp);
    }

    function _isActive(State storage state, address account) internal view returns (bool) {
        uint256 place = state.places[account];
        return place != 0 && state.project.active.has(place - 1);
    }

    function _slotOf(ProjectId projectId, State storage state, address account) internal view returns (uint256) {
        if (!_isActive(state, account)) revert ISteelyard.NotEnrolled(projectId, account);
        return state.places[account] - 1;
    }

    function _reputationOf(address account) internal view returns (uint256) {
        uint256 stored = _reputations[account];
        return stored == 0 ? Rewards.INITIAL_REPUTATION : stored - 1;
    }
}
