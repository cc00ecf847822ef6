// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Cid, ISteelyard, ProjectParams} from "../interfaces/ISteelyard.sol";
import {Rewards} from "./Rewards.sol";

/// @title Bounds of what a project may promise
library Parameters {
    /// @dev Rows of a round; a root is one of them.
    uint256 internal constant MAX_ROWS = 32;

    /// @dev `n ≥ 2f + 3` even at `f = 0` (docs/rules.md).
    uint256 internal constant MIN_TRAINERS = 3;

    /// @dev Keeps the verifier's multi-scalar multiplication inside a transaction (EIP-7825).
    uint256 internal constant MAX_COMMITMENTS = 1024;

    /// @dev A phase leaves room for a few blocks, and locks nobody's money for longer than a month.
    uint256 internal constant MIN_PHASE_SECONDS = 30;
    uint256 internal constant MAX_PHASE_SECONDS = 30 days;

    uint8 private constant CODEC_RAW = 0x55;
    uint8 private constant CODEC_DAG_PB = 0x70;

    /// @param roots Rows that no trainer submits: 1 where the rule is rooted, else 0.
    /// @custom:reverts InvalidParameter, InvalidCid
    function requireValid(ProjectParams calldata params, uint256 roots) internal view {
        _bound("rounds", params.rounds, 1, type(uint16).max);
        _bound("budget", params.budget, params.rounds, type(uint128).max);
        _bound("maxTrainers", params.maxTrainers, MIN_TRAINERS, MAX_ROWS - roots);
        _bound("minTrainers", params.minTrainers, MIN_TRAINERS, params.maxTrainers);
        _bound("minReputationBps", params.minReputationBps, 0, Rewards.BPS);
        _bound("byzantineBps", params.byzantineBps, 0, Rewards.BPS / 2);
        _bound("aggregatorFeeBps", params.aggregatorFeeBps, 0, Rewards.BPS);
        _bound("slashBps", params.slashBps, 0, Rewards.BPS);
        _bound("aggregatorSlashBps", params.aggregatorSlashBps, 0, Rewards.BPS);
        _bound("maxStrikes", params.maxStrikes, 1, type(uint8).max);
        _bound("maxAbsences", params.maxAbsences, 1, type(uint8).max);
        _bound("enrolSeconds", params.enrolSeconds, MIN_PHASE_SECONDS, MAX_PHASE_SECONDS);
        _bound("submitSeconds", params.submitSeconds, MIN_PHASE_SECONDS, MAX_PHASE_SECONDS);
        _bound("settleSeconds", params.settleSeconds, MIN_PHASE_SECONDS, MAX_PHASE_SECONDS);
        _bound("attestSeconds", params.attestSeconds, MIN_PHASE_SECONDS, MAX_PHASE_SECONDS);
        _bound("dimension", params.dimension, 1, type(uint32).max);
        requireValid(params.specCid);
        uint256 commitments = (params.maxTrainers + roots) * params.verifier.blocksOf(params.dimension);
        _bound("commitments", commitments, 1, MAX_COMMITMENTS);
    }

    /// @custom:reverts InvalidCid
    function requireValid(Cid calldata cid) internal pure {
        if (cid.digest == 0 || (cid.codec != CODEC_RAW && cid.codec != CODEC_DAG_PB)) {
            revert ISteelyard.InvalidCid(cid.digest, cid.codec);
        }
    }

    function _bound(bytes32 name, uint256 value, uint256 min, uint256 max) private pure {
        if (value < min || value > max) revert ISteelyard.InvalidParameter(name, value);
    }
}
