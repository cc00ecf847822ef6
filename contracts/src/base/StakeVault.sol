// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {AggregatorTerms, ISteelyard, Permit, Stake} from "../interfaces/ISteelyard.sol";
import {Registry} from "./Registry.sol";

/// @title Accounts: tokens in and out, encryption keys and aggregators' offers
/// @dev Tokens leave only by `withdraw`, `claim` and `burn`, each for its caller or for nobody, so no receiver can hold
/// up what belongs to another.
abstract contract StakeVault is ISteelyard, Registry, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    address private constant DEAD = 0x000000000000000000000000000000000000dEaD;
    uint256 private constant MAX_UNBONDING_SECONDS = 365 days;

    /// @inheritdoc ISteelyard
    uint256 public immutable unbondingSeconds;

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

    /// @inheritdoc ISteelyard
    function stakeOf(address account, address token) external view returns (Stake memory) {
        return _stakes[account][token];
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

    /// @inheritdoc ISteelyard
    function creditOf(address account, address token) external view returns (uint256) {
        return _credits[account][token];
    }

    /// @inheritdoc ISteelyard
    function burntOf(address token) external view returns (uint256) {
        return _burnt[token];
    }

    // ------------------------------------------------------------------------------------------------- keys, offers

    /// @inheritdoc ISteelyard
    function registerKey(bytes32 key) external {
        if (key == 0) revert ZeroValue();
        _keys[msg.sender] = key;
        emit KeyRegistered(msg.sender, key);
    }

    /// @inheritdoc ISteelyard
    function registerHybridKey(bytes32 digest) external {
        if (digest == 0) revert ZeroValue();
        _hybridKeys[msg.sender] = digest;
        emit HybridKeyRegistered(msg.sender, digest);
    }

    /// @inheritdoc ISteelyard
    function registerAggregator(address token, AggregatorTerms calldata terms) external {
        _requireKey(msg.sender);
        Offer storage offer = _offers[msg.sender][token];
        if (offer.place != 0) revert AggregatorRegistration(msg.sender, token, true);
        _aggregators[token].push(msg.sender);
        (offer.terms, offer.place) = (terms, uint32(_aggregators[token].length));
        emit AggregatorRegistered(msg.sender, token, terms);
    }

    /// @inheritdoc ISteelyard
    function unregisterAggregator(address token) external {
        if (_offers[msg.sender][token].place == 0) revert AggregatorRegistration(msg.sender, token, false);
        _unregister(msg.sender, token);
    }

    /// @inheritdoc ISteelyard
    function keyOf(address account) external view returns (bytes32) {
        return _keys[account];
    }

    /// @inheritdoc ISteelyard
    function hybridKeyOf(address account) external view returns (bytes32) {
        return _hybridKeys[account];
    }

    /// @inheritdoc ISteelyard
    function aggregatorTermsOf(address account, address token) external view returns (bool, AggregatorTerms memory) {
        Offer storage offer = _offers[account][token];
        return (offer.place != 0, offer.terms);
    }

    /// @inheritdoc ISteelyard
    function aggregatorsOf(address token) external view returns (address[] memory) {
        return _aggregators[token];
    }

    // ------------------------------------------------------------------------------------------------- money in

    /// @dev Anybody may spend a permit that they saw in the mempool; the allowance that it leaves serves as well.
    function _usePermit(address token, uint256 amount, Permit calldata permit) internal {
        try IERC20Permit(token)
            .permit(msg.sender, address(this), amount, permit.deadline, permit.v, permit.r, permit.s) {}
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
}
