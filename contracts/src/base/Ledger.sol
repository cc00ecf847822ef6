// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {CreditKind, ISteelyard, ProjectId, Stake} from "../interfaces/ISteelyard.sol";
import {MarketStorage} from "./MarketStorage.sol";

/// @title Money moving between parties, as entries only
/// @dev No token is called here. Tokens come and go in StakeVault and in Steelyard's creation of a project.
abstract contract Ledger is MarketStorage {
    using SafeCast for uint256;

    function _takeFree(Stake storage stake, address account, address token, uint128 amount) internal {
        if (stake.free < amount) revert ISteelyard.InsufficientStake(account, token, stake.free, amount);
        stake.free -= amount;
    }

    function _lock(ProjectId projectId, address account, address token, uint128 amount) internal {
        Stake storage stake = _stakes[account][token];
        _takeFree(stake, account, token, amount);
        stake.locked += amount;
        emit ISteelyard.StakeLocked(projectId, account, amount);
    }

    /// @notice Unlocks `amount`: all but `slashed` is free again, and what of that does not go to the pool is burnt.
    function _unlock(
        ProjectId projectId,
        address account,
        address token,
        uint128 amount,
        uint256 slashed,
        uint256 toPool
    ) internal {
        Stake storage stake = _stakes[account][token];
        uint128 released = amount - slashed.toUint128();
        stake.locked -= amount;
        stake.free += released;
        if (slashed != 0) {
            _burnt[token] += slashed - toPool;
            emit ISteelyard.StakeSlashed(projectId, account, slashed, toPool);
        }
        emit ISteelyard.StakeReleased(projectId, account, released);
    }

    function _credit(ProjectId projectId, address account, address token, uint256 amount, CreditKind kind) internal {
        if (amount == 0) return;
        _credits[account][token] += amount;
        emit ISteelyard.Credited(projectId, account, token, amount, kind);
    }
}
