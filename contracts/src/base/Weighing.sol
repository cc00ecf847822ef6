// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Cid, ExclusionReason, ISteelyard, ProjectId, ProjectParams, Settlement} from "../interfaces/ISteelyard.sol";
import {Parameters} from "../libraries/Parameters.sol";
import {Rewards} from "../libraries/Rewards.sol";
import {SlotMask} from "../libraries/SlotMask.sol";
import {Registry} from "./Registry.sol";

/// @title From a settlement to shares, strikes and targets
abstract contract Weighing is Registry {
    using Parameters for Cid;
    using SafeCast for uint256;
    using SlotMask for uint32;

    /// @dev The rows of a settlement and what became of them. A root is the last of them, and has no slot.
    struct Rows {
        uint256 n; // trainers
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

    uint256 private constant POINT_BYTES = 128;
    uint256 private constant SCALAR_BYTES = 32;
    uint256 private constant GRAM_ENTRY_BYTES = 8;

    /// @dev Matches rows and exclusions with the submissions: all of them, each once, in their order, then the root.
    function _readRows(ProjectId projectId, State storage state, Settlement calldata settlement)
        internal
        view
        returns (Rows memory rows)
    {
        rows.n = _countTrainers(projectId, state, settlement);
        rows.f = Rewards.toleratedOf(rows.n, state.project.params.byzantineBps);
        uint256 n = state.project.rooted ? rows.n + 1 : rows.n;
        uint256 blocks = state.project.params.verifier.blocksOf(state.project.params.dimension);
        _requireLength(settlement.commitments.length, POINT_BYTES * n * blocks);
        _requireLength(settlement.gram.length, GRAM_ENTRY_BYTES * (n * (n + 1) / 2));
        _requireLength(settlement.blinders.length, SCALAR_BYTES * blocks);
        settlement.aggregateCid.requireValid();

        (rows.slots, rows.trainers, rows.hashes) = (new uint256[](n), new address[](n), new bytes32[](n));
        uint256 stride = POINT_BYTES * blocks;
        uint256 skipped;
        for (uint256 row; row < n; ++row) {
            while (skipped < settlement.exclusions.length && settlement.exclusions[skipped].index == row + skipped) {
                ++skipped;
            }
            bytes32 hash = keccak256(settlement.commitments[row * stride:(row + 1) * stride]);
            uint256 index = row < rows.n ? row + skipped : ROOT_INDEX;
            Submission memory submission = _findSubmission(projectId, state, row, hash, index);
            (rows.slots[row], rows.trainers[row], rows.hashes[row]) = (submission.slot, submission.trainer, hash);
        }
    }

    /// @dev More than `f` unusable submissions can only be abandoned: honest rows might otherwise be a minority.
    function _countTrainers(ProjectId projectId, State storage state, Settlement calldata settlement)
        private
        view
        returns (uint256)
    {
        uint256 submissions = state.round.submissions;
        uint256 excluded = settlement.exclusions.length;
        uint256 limit = Rewards.toleratedOf(submissions, state.project.params.byzantineBps);
        if (excluded > limit) revert ISteelyard.TooManyExclusions(projectId, excluded, limit);
        uint256 next;
        for (uint256 i; i < excluded; ++i) {
            uint256 index = settlement.exclusions[i].index;
            if (index < next || index >= submissions || settlement.exclusions[i].reason == ExclusionReason.None) {
                revert ISteelyard.InvalidExclusion(i);
            }
            next = index + 1;
        }
        return submissions - excluded;
    }

    function _findSubmission(ProjectId projectId, State storage state, uint256 row, bytes32 hash, uint256 expected)
        private
        view
        returns (Submission memory submission)
    {
        submission = state.submissions[state.round.attempt][hash];
        if (submission.trainer == address(0)) revert ISteelyard.UnknownSubmission(projectId, row, hash);
        if (submission.index != expected) {
            revert ISteelyard.SubmissionMismatch(projectId, row, submission.index, expected);
        }
    }

    function _requireLength(uint256 actual, uint256 expected) private pure {
        if (actual != expected) revert ISteelyard.InvalidSettlementLength(actual, expected);
    }

    function _weigh(ProjectId projectId, State storage state, Rows memory rows, Settlement calldata settlement)
        internal
        view
    {
        ProjectParams storage params = state.project.params;
        uint256 n = rows.trainers.length;
        bytes32 submissionsHash = keccak256(abi.encode(rows.trainers, rows.hashes));
        bytes32 context =
            keccak256(abi.encode(block.chainid, address(this), projectId, uint256(state.round.index), submissionsHash));
        params.verifier.verify(context, n, params.dimension, settlement.commitments, settlement.gram, settlement.proof);
        (rows.weights, rows.contributions, rows.opposed) =
            params.rule.weigh(settlement.gram, n, rows.f, params.dimension, settlement.hints);
    }

    /// @dev Credits, strikes and reputation wait for the attempt to become final, so a void one has nothing to undo.
    function _record(State storage state, Rows memory rows) internal {
        (uint256 roundBudget, uint256 fee) = _budgetOf(state.project.params);
        uint256 total = Rewards.sumOf(rows.contributions);
        rows.budget = roundBudget - fee;
        rows.shares = Rewards.computeShares(rows.budget, rows.contributions, total);
        uint32 weighed;
        uint32 opposed;
        uint32 paid;
        uint32 moving;
        for (uint256 row; row < rows.n; ++row) {
            uint256 slot = rows.slots[row];
            bool strike = (rows.opposed >> row) & 1 == 1;
            weighed = weighed.add(slot);
            if (strike) opposed = opposed.add(slot);
            if (rows.shares[row] != 0) paid = paid.add(slot);
            if (rows.weights[row] != 0) moving = moving.add(slot);
            state.shares[slot] = rows.shares[row].toUint128();
            state.targets[slot] = _targetOf(rows.contributions[row], rows.n, total, strike);
        }
        (state.weighed, state.opposed) = (weighed, opposed);
        state.round.attesters = paid != 0 ? paid : moving;
        state.round.attestDeadline = uint48(block.timestamp + state.project.params.attestSeconds);
    }

    function _targetOf(uint256 contribution, uint256 n, uint256 total, bool strike) private pure returns (uint16) {
        if (total == 0) return 0;
        return strike ? 1 : uint16(Rewards.targetOf(contribution, n, total) + 1);
    }

    function _emitWeighed(ProjectId projectId, State storage state, Rows memory rows) internal {
        emit ISteelyard.RoundWeighed(
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

    /// @return roundBudget What one round costs the owner.
    /// @return fee The aggregator's part of it.
    function _budgetOf(ProjectParams storage params) internal view returns (uint256 roundBudget, uint256 fee) {
        roundBudget = params.budget / params.rounds;
        fee = Rewards.partOf(roundBudget, params.aggregatorFeeBps);
    }
}
