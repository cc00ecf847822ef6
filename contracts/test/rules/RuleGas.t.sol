// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWeighingRule} from "../../src/interfaces/IWeighingRule.sol";
import {ClipNnmMultiKrum} from "../../src/rules/ClipNnmMultiKrum.sol";
import {FlTrust} from "../../src/rules/FlTrust.sol";
import {Mean} from "../../src/rules/Mean.sol";
import {MultiKrum} from "../../src/rules/MultiKrum.sol";
import {Nna} from "../../src/rules/Nna.sol";
import {ScreenClipNnmMultiKrum} from "../../src/rules/ScreenClipNnmMultiKrum.sol";
import {Matrices} from "./Matrices.sol";
import {PlainRule} from "./PlainRule.sol";
import {Test} from "forge-std/Test.sol";

/// @notice Gas of `weigh` without calldata, for a tenth, three tenths and the most dishonest rows, in
/// `contracts/snapshots/weigh.json`.
contract RuleGasTest is Test {
    uint256 internal constant D = 2_410;

    uint256 internal n;
    int256[][] internal gram;

    function test_GasFor7Rows() public {
        measure(7);
    }

    function test_GasFor16Rows() public {
        measure(16);
    }

    function test_GasFor32Rows() public {
        measure(32);
    }

    function test_GasOfScreening() public {
        for (uint256 k = 0; k < 3; ++k) {
            n = [7, 16, 32][k];
            gram = Matrices.random(1, n);
            uint256 f = 3 * n / 10;
            bytes memory hints = PlainRule.screenClipNnmMultiKrum(gram, f, D).hints;
            snapshot("screen-clip-nnm-multi-krum", new ScreenClipNnmMultiKrum(), f, hints);
        }
    }

    /// @dev Nobody is left out, and as many are feared as can be: the dearest round of 32.
    function test_GasOfScreeningTheHonest() public {
        n = 32;
        gram = PlainRule.zeros(n);
        for (uint256 i = 0; i < n; ++i) {
            for (uint256 j = 0; j < n; ++j) {
                gram[i][j] = i == j ? int256(2_000_000 + i) : int256(1_000_000);
            }
        }
        bytes memory hints = PlainRule.screenClipNnmMultiKrum(gram, 14, D).hints;
        snapshot("screen-clip-nnm-multi-krum_honest", new ScreenClipNnmMultiKrum(), 14, hints);
    }

    function measure(uint256 rows) internal {
        n = rows;
        gram = Matrices.random(1, n);
        snapshot("mean", new Mean(), 3 * n / 10, "");
        snapshot("multi-krum", new MultiKrum(), 3 * n / 10, PlainRule.onlyMultiKrum(gram, 3 * n / 10, D).hints);
        snapshot("nna", new Nna(), 3 * n / 10, PlainRule.nna(gram, 3 * n / 10, D).hints);
        snapshot("fltrust", new FlTrust(), 3 * (n - 1) / 10, "");
        uint256[3] memory dishonest = [n / 10, 3 * n / 10, (n - 3) / 2];
        for (uint256 k = 0; k < dishonest.length; ++k) {
            bytes memory hints = PlainRule.clipNnmMultiKrum(gram, dishonest[k], D).hints;
            snapshot("clip-nnm-multi-krum", new ClipNnmMultiKrum(), dishonest[k], hints);
        }
    }

    function snapshot(string memory name, IWeighingRule rule, uint256 f, bytes memory hints) internal {
        rule.weigh(PlainRule.encode(gram), n, f, D, hints);
        vm.snapshotGasLastCall("weigh", string.concat(name, "_n", vm.toString(n), "_f", vm.toString(f)));
    }
}
