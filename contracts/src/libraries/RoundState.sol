// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Round, RoundOutcome, RoundStatus} from "../interfaces/ISteelyard.sol";
import {SlotMask} from "./SlotMask.sol";

/// @title The status of an attempt, derived from what was recorded and from the time (docs/protocol.md)
/// @notice Nothing has to happen on chain for a deadline to take effect. At a deadline's own second the phase is over.
library RoundState {
    using SlotMask for uint32;

    /// @param round The attempt as stored; its own `status` is never written.
    /// @param active The project's active members, who cannot change while an attempt is open.
    /// @param minTrainers Fewer submissions than this and the attempt fails.
    /// @param rooted Whether the attempt fails without the owner's root as well.
    /// @param time The current time.
    function compute(Round storage round, uint32 active, uint256 minTrainers, bool rooted, uint256 time)
        internal
        view
        returns (RoundStatus, RoundOutcome)
    {
        if (round.attempt == 0) return (RoundStatus.None, RoundOutcome.None);
        if (round.outcome != RoundOutcome.None) return (RoundStatus.Decided, round.outcome);
        if (round.attestDeadline != 0) return _computeSettled(round, time);

        bool lacksRoot = rooted && !round.hasRoot;
        if (time < round.submitDeadline && (lacksRoot || round.submitted != active)) {
            return (RoundStatus.Collecting, RoundOutcome.None);
        }
        if (lacksRoot || round.submissions < minTrainers) return (RoundStatus.Decided, RoundOutcome.TooFew);
        if (time < round.settleDeadline) return (RoundStatus.Weighing, RoundOutcome.None);
        return (RoundStatus.Decided, RoundOutcome.Missed);
    }

    function _computeSettled(Round storage round, uint256 time) private view returns (RoundStatus, RoundOutcome) {
        uint256 attesters = round.attesters.count();
        if (2 * round.approvals.count() > attesters) return (RoundStatus.Decided, RoundOutcome.Final);
        if (2 * round.objections.count() > attesters) return (RoundStatus.Decided, RoundOutcome.Void);
        if (time >= round.attestDeadline) return (RoundStatus.Decided, RoundOutcome.Final);
        return (RoundStatus.Attesting, RoundOutcome.None);
    }
}
