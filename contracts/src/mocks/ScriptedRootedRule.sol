// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ScriptedRule} from "./ScriptedRule.sol";

/// @title The same for projects whose owner sends a root
contract ScriptedRootedRule is ScriptedRule {
    function rooted() external pure override returns (bool) {
        return true;
    }
}
