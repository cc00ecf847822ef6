// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {AggregatorTerms, ISteelyard, ProjectId, ProjectParams} from "../interfaces/ISteelyard.sol";
import {StakeVault} from "./StakeVault.sol";

/// @title Encryption keys, aggregators' offers, and the draw among them
abstract contract AggregatorRegistry is StakeVault {
    /// @param place One more than the index in the token's list; 0 for none.
    struct Offer {
        AggregatorTerms terms;
        uint32 place;
    }

    /// @dev A draw looks at so many offers at most, so its gas is bounded whatever the length of the list.
    uint256 private constant MAX_PROBES = 32;

    mapping(address account => bytes32) private _keys;
    mapping(address token => address[]) private _aggregators;
    mapping(address account => mapping(address token => Offer)) private _offers;

    // ------------------------------------------------------------------------------------------------- calls

    /// @inheritdoc ISteelyard
    function registerKey(bytes32 key) external {
        if (key == 0) revert ZeroValue();
        _keys[msg.sender] = key;
        emit KeyRegistered(msg.sender, key);
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

    // ------------------------------------------------------------------------------------------------- views

    /// @inheritdoc ISteelyard
    function keyOf(address account) external view returns (bytes32) {
        return _keys[account];
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

    // ------------------------------------------------------------------------------------------------- for the market

    function _requireKey(address account) internal view {
        if (_keys[account] == 0) revert KeyMissing(account);
    }

    /// @dev Does nothing for an account without an offer: an aggregator may take its offer back during a round.
    function _unregister(address account, address token) internal {
        uint32 place = _offers[account][token].place;
        if (place == 0) return;
        address[] storage list = _aggregators[token];
        address last = list[list.length - 1];
        list[place - 1] = last;
        _offers[last][token].place = place;
        list.pop();
        delete _offers[account][token];
        emit AggregatorUnregistered(account, token);
    }

    /// @notice Draws an aggregator; zero where none is eligible.
    /// @dev The block's proposer may skip its slot and so gets one more draw; accepted, as the gain is one round's fee.
    /// Among up to `MAX_PROBES` offers every eligible one is equally likely; of a longer list a random stretch is looked
    /// at. Places in the list are free, so a stranger may pad it: a project's own aggregator is asked first and needs
    /// no draw.
    /// @param preferred Asked first; zero for none.
    /// @param avoided Taken only if there is nobody else; zero for none.
    function _draw(ProjectId projectId, ProjectParams storage params, address preferred, address avoided)
        internal
        view
        returns (address)
    {
        if (preferred != avoided && _isEligible(projectId, params, preferred)) return preferred;
        address[] storage list = _aggregators[params.token];
        uint256 length = list.length;
        uint256 seed = uint256(keccak256(abi.encode(block.prevrandao, projectId)));
        uint256 start = length > MAX_PROBES ? seed % length : 0;
        uint256[] memory order = new uint256[](Math.min(length, MAX_PROBES));
        for (uint256 i; i < order.length; ++i) {
            order[i] = i;
        }
        for (uint256 i; i < order.length; ++i) {
            uint256 j = i + uint256(keccak256(abi.encode(seed, i))) % (order.length - i);
            (order[i], order[j]) = (order[j], order[i]);
            address candidate = list[(start + order[i]) % length];
            if (candidate != avoided && _isEligible(projectId, params, candidate)) return candidate;
        }
        return _isEligible(projectId, params, avoided) ? avoided : address(0);
    }

    /// @dev An aggregator must not weigh its own row.
    function _isActiveMember(ProjectId projectId, address account) internal view virtual returns (bool);

    function _isEligible(ProjectId projectId, ProjectParams storage params, address account)
        private
        view
        returns (bool)
    {
        Offer storage offer = _offers[account][params.token];
        AggregatorTerms memory terms = offer.terms;
        return offer.place != 0 && params.aggregatorStake <= terms.maxStake && params.dimension <= terms.maxDimension
            && params.settleSeconds >= terms.minSettleSeconds && params.aggregatorFeeBps >= terms.minFeeBps
            && _freeStakeOf(account, params.token) >= params.aggregatorStake && !_isActiveMember(projectId, account);
    }
}
