// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {CreditKind, ISteelyard, Permit, ProjectId, Stake} from "../interfaces/ISteelyard.sol";

/// @title Tokens in and out: stakes, credits and what was burnt
/// @dev Money moves between parties only as entries here. Tokens leave only by `withdraw`, `claim` and `burn`, each for
/// its own caller or purpose, so no receiver can hold anybody else's payment up.
abstract contract StakeVault is ISteelyard, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    address private constant DEAD = 0x000000000000000000000000000000000000dEaD;
    uint256 private constant MAX_UNBONDING_SECONDS = 365 days;

    /// @inheritdoc ISteelyard
    uint256 public immutable unbondingSeconds;

    mapping(address account => mapping(address token => Stake)) private _stakes;
    mapping(address account => mapping(address token => uint256)) private _credits;
    mapping(address token => uint256) private _burnt;

    constructor(uint256 unbondingSeconds_) {
        if (unbondingSeconds_ > MAX_UNBONDING_SECONDS) revert InvalidParameter("unbondingSeconds", unbondingSeconds_);
        unbondingSeconds = unbondingSeconds_;
    }

    // ------------------------------------------------------------------------------------------------- stakes

    /// @inheritdoc ISteelyard
    function deposit(address token, uint128 amount) external nonReentrant {
        _deposit(token, amount);
    }

    /// @inheritdoc ISteelyard
    function depositWithPermit(address token, uint128 amount, Permit calldata permit) external nonReentrant {
        _usePermit(token, amount, permit);
        _deposit(token, amount);
    }

    /// @inheritdoc ISteelyard
    function unbond(address token, uint128 amount) external {
        if (amount == 0) revert ZeroValue();
        Stake storage stake = _stakes[msg.sender][token];
        _takeFree(stake, msg.sender, token, amount);
        stake.unbonding += amount;
        stake.availableAt = uint64(block.timestamp + unbondingSeconds);
        emit StakeUnbonding(msg.sender, token, amount, stake.availableAt);
    }

    /// @inheritdoc ISteelyard
    function withdraw(address token, address recipient) external nonReentrant {
        if (recipient == address(0)) revert ZeroValue();
        Stake storage stake = _stakes[msg.sender][token];
        uint256 amount = stake.unbonding;
        if (amount == 0) revert InsufficientStake(msg.sender, token, 0, 1);
        if (block.timestamp < stake.availableAt) revert StillUnbonding(msg.sender, token, stake.availableAt);
        (stake.unbonding, stake.availableAt) = (0, 0);
        emit StakeWithdrawn(msg.sender, token, amount, recipient);
        IERC20(token).safeTransfer(recipient, amount);
    }

    // ------------------------------------------------------------------------------------------------- money out

    /// @inheritdoc ISteelyard
    function claim(address token, address recipient) external nonReentrant returns (uint256 amount) {
        if (recipient == address(0)) revert ZeroValue();
        amount = _credits[msg.sender][token];
        if (amount == 0) revert NothingToClaim(msg.sender, token);
        delete _credits[msg.sender][token];
        emit Claimed(msg.sender, token, amount, recipient);
        IERC20(token).safeTransfer(recipient, amount);
    }

    /// @inheritdoc ISteelyard
    function burn(address token) external nonReentrant returns (uint256 amount) {
        amount = _burnt[token];
        if (amount == 0) revert NothingToClaim(DEAD, token);
        delete _burnt[token];
        emit Burned(token, amount);
        IERC20(token).safeTransfer(DEAD, amount);
    }

    // ------------------------------------------------------------------------------------------------- views

    /// @inheritdoc ISteelyard
    function stakeOf(address account, address token) external view returns (Stake memory) {
        return _stakes[account][token];
    }

    /// @inheritdoc ISteelyard
    function creditOf(address account, address token) external view returns (uint256) {
        return _credits[account][token];
    }

    /// @inheritdoc ISteelyard
    function burntOf(address token) external view returns (uint256) {
        return _burnt[token];
    }

    // ------------------------------------------------------------------------------------------------- for the market

    function _freeStakeOf(address account, address token) internal view returns (uint256) {
        return _stakes[account][token].free;
    }

    function _lock(ProjectId projectId, address account, address token, uint128 amount) internal {
        Stake storage stake = _stakes[account][token];
        _takeFree(stake, account, token, amount);
        stake.locked += amount;
        emit StakeLocked(projectId, account, amount);
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
            emit StakeSlashed(projectId, account, slashed, toPool);
        }
        emit StakeReleased(projectId, account, released);
    }

    function _credit(ProjectId projectId, address account, address token, uint256 amount, CreditKind kind) internal {
        if (amount == 0) return;
        _credits[account][token] += amount;
        emit Credited(projectId, account, token, amount, kind);
    }

    /// @dev Anybody may spend a permit that they saw in the mempool; the allowance that it leaves serves as well.
    function _usePermit(address token, uint256 amount, Permit calldata permit) internal {
        try IERC20Permit(token).permit(
            msg.sender, address(this), amount, permit.deadline, permit.v, permit.r, permit.s
        ) {}
            catch {}
    }

    /// @dev Callers hold the reentrancy guard: a nested deposit would count twice.
    function _pull(address token, uint256 amount) internal {
        if (token.code.length == 0) revert InvalidParameter("token", uint160(token));
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        if (received != amount) revert UnexpectedTransferAmount(token, received, amount);
    }

    function _deposit(address token, uint128 amount) private {
        if (amount == 0) revert ZeroValue();
        _pull(token, amount);
        _stakes[msg.sender][token].free += amount;
        emit StakeDeposited(msg.sender, token, amount);
    }

    function _takeFree(Stake storage stake, address account, address token, uint128 amount) private {
        if (stake.free < amount) revert InsufficientStake(account, token, stake.free, amount);
        stake.free -= amount;
    }
}
