// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {AggregatorTerms, ISteelyard, ProjectId, ProjectParams} from "../interfaces/ISteelyard.sol";
import {Ledger} from "./Ledger.sol";

/// @title Aggregators on offer, and the draw among them
abstract contract Registry is Ledger {
    /// @dev A draw looks at so many offers at most, so its gas is bounded whatever the length of the list.
    uint256 private constant MAX_PROBES = 32;

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
        emit ISteelyard.AggregatorUnregistered(account, token);
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
        uint256 offset = length > MAX_PROBES ? seed % length : 0;
        uint256[] memory order = new uint256[](Math.min(length, MAX_PROBES));
        for (uint256 i; i < order.length; ++i) {
            order[i] = i;
        }
        for (uint256 i; i < order.length; ++i) {
            uint256 j = i + uint256(keccak256(abi.encode(seed, i))) % (order.length - i);
            (order[i], order[j]) = (order[j], order[i]);
            address candidate = list[(offset + order[i]) % length];
            if (candidate != avoided && _isEligible(projectId, params, candidate)) return candidate;
        }
        return _isEligible(projectId, params, avoided) ? avoided : address(0);
    }

    function _isEligible(ProjectId projectId, ProjectParams storage params, address account)
        private
        view
        returns (bool)
    {
        Offer storage offer = _offers[account][params.token];
        AggregatorTerms memory terms = offer.terms;
        return offer.place != 0 && params.aggregatorStake <= terms.maxStake && params.dimension <= terms.maxDimension
            && params.settleSeconds >= terms.minSettleSeconds && params.aggregatorFeeBps >= terms.minFeeBps
            && _stakes[account][params.token].free >= params.aggregatorStake && !_isActive(_states[projectId], account);
    }
}
