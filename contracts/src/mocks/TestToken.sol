// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title A token for tests and demos: anybody may mint
contract TestToken is ERC20, ERC20Permit {
    constructor() ERC20("Steelyard Test Token", "SYT") ERC20Permit("Steelyard Test Token") {}

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }
}
