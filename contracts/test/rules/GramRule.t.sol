// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWeighingRule} from "../../src/interfaces/IWeighingRule.sol";
import {ClipNnmMultiKrum} from "../../src/rules/ClipNnmMultiKrum.sol";
import {Mean} from "../../src/rules/Mean.sol";
import {MultiKrum} from "../../src/rules/MultiKrum.sol";
import {Vectors} from "../verifier/Vectors.sol";
import {Matrices} from "./Matrices.sol";
import {PlainRule} from "./PlainRule.sol";

contract GramRuleTest is Vectors {
    IWeighingRule internal clipNnmMultiKrum = new ClipNnmMultiKrum();
    IWeighingRule internal multiKrum = new MultiKrum();
    IWeighingRule internal mean = new Mean();

    uint256 internal constant D = 2_410;

    function test_GivesTheWeightsAndSharesOfEveryBundle() public view {
        string[7] memory names = bundles();
        for (uint256 k = 0; k < names.length; ++k) {
            Statement memory s = readStatement(names[k]);
            Outcome memory outcome = readOutcome(names[k]);
            bytes memory hints = PlainRule.clipNnmMultiKrum(PlainRule.decode(s.gram, s.n), outcome.f, s.d).hints;
            (uint256[] memory weights, uint256[] memory contributions,) =
                clipNnmMultiKrum.weigh(s.gram, s.n, outcome.f, s.d, hints);
            assertEq(weights, outcome.weights, names[k]);
            assertEq(sharesOf(contributions, outcome.budget), outcome.shares, names[k]);
        }
    }

    function testFuzz_ClipNnmMultiKrumEqualsItsPlainTwin(uint256 seed, uint256 n, uint256 f, uint256 d) public view {
        (n, f, d) = bound_(n, f, d);
        int256[][] memory gram = matrixOf(seed, n);
        assertEqual(clipNnmMultiKrum, gram, f, d, PlainRule.clipNnmMultiKrum(gram, f, d));
    }

    function testFuzz_MultiKrumEqualsItsPlainTwin(uint256 seed, uint256 n, uint256 f, uint256 d) public view {
        (n, f, d) = bound_(n, f, d);
        int256[][] memory gram = matrixOf(seed, n);
        assertEqual(multiKrum, gram, f, d, PlainRule.onlyMultiKrum(gram, f, d));
    }

    function testFuzz_MeanEqualsItsPlainTwin(uint256 seed, uint256 n, uint256 f, uint256 d) public view {
        (n, f, d) = bound_(n, f, d);
        int256[][] memory gram = matrixOf(seed, n);
        assertEqual(mean, gram, f, d, PlainRule.mean(gram, f, d));
    }

    function bound_(uint256 n, uint256 f, uint256 d) internal pure returns (uint256, uint256, uint256) {
        n = bound(n, 3, 9);
        return (n, bound(f, 0, (n - 3) / 2), bound(d, 1, type(uint32).max));
    }

    function matrixOf(uint256 seed, uint256 n) internal pure returns (int256[][] memory) {
        return seed % 4 == 0 ? Matrices.anything(seed, n) : Matrices.random(seed, n);
    }

    function assertEqual(
        IWeighingRule rule,
        int256[][] memory gram,
        uint256 f,
        uint256 d,
        PlainRule.Result memory expected
    ) internal view {
        (uint256[] memory weights, uint256[] memory contributions, uint256 opposed) =
            rule.weigh(PlainRule.encode(gram), gram.length, f, d, expected.hints);
        assertEq(weights, expected.weights, "weights");
        assertEq(contributions, expected.contributions, "contributions");
        assertEq(opposed, expected.opposed, "opposed");
    }

    function sharesOf(uint256[] memory contributions, uint256 budget) internal pure returns (uint256[] memory shares) {
        shares = new uint256[](contributions.length);
        uint256 total = 0;
        for (uint256 i = 0; i < contributions.length; ++i) {
            total += contributions[i];
        }
        for (uint256 i = 0; total > 0 && i < contributions.length; ++i) {
            shares[i] = budget * contributions[i] / total;
        }
    }
}
