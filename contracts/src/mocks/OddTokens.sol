// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {TestToken} from "./TestToken.sol";

/// @title Keeps one percent of every transfer
contract FeeToken is TestToken {
    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(0), amount / 100);
    }
}

/// @title Refuses some receivers, as some stablecoins do
contract BlacklistToken is TestToken {
    error Blacklisted(address account);

    mapping(address account => bool) public isBlacklisted;

    function blacklist(address account) external {
        isBlacklisted[account] = true;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (isBlacklisted[to]) revert Blacklisted(to);
        super._update(from, to, amount);
    }
}

/// @title Calls somebody during transfers, as an ERC-777 token does
contract HookToken is TestToken {
    address private _target;
    bytes private _call;

    /// @notice Whether the last transfer's call went through, and what it returned.
    bool public called;
    bytes public result;

    function hook(address target, bytes calldata call) external {
        (_target, _call) = (target, call);
    }

    /// @notice Lets the token itself act as a party.
    function act(address target, bytes calldata call) external returns (bytes memory) {
        return Address.functionCall(target, call);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (_target == address(0) || from == address(0)) return;
        address target = _target;
        delete _target;
        (called, result) = target.call(_call);
    }
}

/// @title Returns nothing from its transfers, as Tether does; has no permit
contract SilentToken {
    mapping(address account => uint256) public balanceOf;
    mapping(address account => mapping(address spender => uint256)) public allowance;

    function mint(address account, uint256 amount) external {
        balanceOf[account] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}
