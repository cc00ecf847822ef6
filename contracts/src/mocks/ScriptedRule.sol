// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWeighingRule} from "../interfaces/IWeighingRule.sol";

/// @title A rule for tests of the marketplace: its result is what the hints say
contract ScriptedRule is IWeighingRule {
    struct Script {
        uint256 f;
        uint256[] weights;
        uint256[] contributions;
        uint256 opposed;
    }

    function name() external pure returns (string memory) {
        return "scripted";
    }

    function rooted() external pure virtual returns (bool) {
        return false;
    }

    function weigh(bytes calldata gram, uint256 n, uint256 f, uint256, bytes calldata hints)
        external
        pure
        returns (uint256[] memory weights, uint256[] memory contributions, uint256 opposed)
    {
        if (gram.length != 4 * n * (n + 1)) revert InvalidGramLength(gram.length, 4 * n * (n + 1));
        Script memory script = abi.decode(hints, (Script));
        if (script.f != f || n < 2 * f + 3) revert TooFewRows(n, f);
        return (script.weights, script.contributions, script.opposed);
    }
}
