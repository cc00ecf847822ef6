// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Steelyard} from "../../src/Steelyard.sol";
import {IGramVerifier} from "../../src/interfaces/IGramVerifier.sol";
import {
    Exclusion,
    Member,
    ProjectId,
    ProjectParams,
    RoundStatus,
    Settlement
} from "../../src/interfaces/ISteelyard.sol";
import {IWeighingRule} from "../../src/interfaces/IWeighingRule.sol";
import {TestToken} from "../../src/mocks/TestToken.sol";
import {ClipNnmMultiKrum} from "../../src/rules/ClipNnmMultiKrum.sol";
import {Vectors} from "../verifier/Vectors.sol";
import {Base} from "./Base.t.sol";

/// @notice One round with the real verifier and the default rule, settled by a proof that Python made.
/// @dev A proof is bound to chain, marketplace, project and trainers, so all of them are pinned here; where the project
/// id changes, `python -m scripts.generate_settlement` has to make the proof anew.
contract IntegrationTest is Base, Vectors {
    string private constant VECTOR = "tests/vectors/market/settlement.json";
    address private constant MARKET = address(0x51ee17a4d);
    address private constant TOKEN = address(0x70ce2);
    address private constant RULE = address(0x4013);
    address private constant VERIFIER = address(0x7e41f1e4);

    string private json;

    function setUp() public override {
        vm.chainId(31_337);
        vm.warp(1_800_000_000);
        json = vm.readFile(VECTOR);
        vm.etch(RULE, address(new ClipNnmMultiKrum()).code);
        vm.etch(VERIFIER, address(deployVerifier()).code);
        address[] memory verifiers = new address[](1);
        address[] memory rules = new address[](1);
        (verifiers[0], rules[0]) = (VERIFIER, RULE);
        deployCodeTo("Steelyard.sol:Steelyard", abi.encode(verifiers, rules, UNBONDING), MARKET);
        deployCodeTo("TestToken.sol:TestToken", TOKEN);
        (market, token) = (Steelyard(MARKET), TestToken(TOKEN));
        fund(owner);
        address[] memory rows = vm.parseJsonAddressArray(json, ".trainers");
        for (uint256 i; i < rows.length; ++i) {
            trainers.push(rows[i]);
            fund(rows[i]);
            prepare(rows[i], 1000e6);
        }
        offer(alice);
        ProjectParams memory params = defaultParams();
        (params.token, params.rule, params.verifier) = (TOKEN, IWeighingRule(RULE), IGramVerifier(VERIFIER));
        id = create(params);
        assertEq(ProjectId.unwrap(id), vm.parseJsonBytes32(json, ".projectId"), "the vector is of another project");
        enrol(0, rows.length);
        vm.prank(owner);
        market.start(id);
        submitAll();
    }

    /// @notice Weights, shares and strikes are those of the Python rule; the dishonest row earns nothing, and a strike.
    function test_aRealProofSettlesAndPays() public {
        settle(readSettlement());
        assertStatus(RoundStatus.Attesting);
        uint256[] memory shares = vm.parseJsonUintArray(json, ".shares");
        Member[] memory members = market.getMembers(id);
        for (uint256 i; i < shares.length; ++i) {
            assertEq(members[i].share, shares[i]);
        }
        attest(0, true);
        attest(1, true);
        attest(2, true);
        poke();
        members = market.getMembers(id);
        uint256 opposed = vm.parseJsonUint(json, ".opposed");
        assertGt(opposed, 0);
        for (uint256 i; i < shares.length; ++i) {
            assertEq(creditOf(trainers[i]), shares[i]);
            assertEq(members[i].strikes, (opposed >> i) & 1);
        }
        assertEq(market.getProject(id).round, 1);
    }

    function test_RevertWhen_oneGramEntryIsChanged() public {
        Settlement memory settlement = readSettlement();
        settlement.gram[7] ^= 0x01;
        refusesSettle(settlement, abi.encodeWithSelector(IGramVerifier.ProofRejected.selector));
    }

    function test_RevertWhen_theProofIsAllZero() public {
        Settlement memory settlement = readSettlement();
        settlement.proof = new bytes(settlement.proof.length);
        refusesSettle(settlement, abi.encodeWithSelector(IGramVerifier.ProofRejected.selector));
    }

    function test_RevertWhen_theProofIsShort() public {
        Settlement memory settlement = readSettlement();
        uint256 length = settlement.proof.length;
        bytes memory proof = settlement.proof;
        assembly ("memory-safe") {
            mstore(proof, sub(length, 1))
        }
        refusesSettle(settlement, abi.encodeWithSelector(IGramVerifier.InvalidLength.selector, length - 1, length));
    }

    function test_RevertWhen_aHintIsWrong() public {
        Settlement memory settlement = readSettlement();
        settlement.hints[3] ^= 0x01;
        refusesSettle(settlement, abi.encodeWithSelector(IWeighingRule.WrongHint.selector, 0, 0));
    }

    /// @notice The same proof is worthless in the next round.
    function test_RevertWhen_theProofIsOfAnEarlierRound() public {
        Settlement memory settlement = readSettlement();
        settle(settlement);
        vm.warp(market.getRound(id).attestDeadline);
        poke();
        submitAll();
        refusesSettle(settlement, abi.encodeWithSelector(IGramVerifier.ProofRejected.selector));
    }

    /// @notice The same proof is worthless where somebody else submitted one of its rows.
    function test_RevertWhen_theTrainersAreInAnotherOrder() public {
        Settlement memory settlement = readSettlement();
        vm.warp(market.getRound(id).settleDeadline);
        offer(bob);
        poke();
        (trainers[0], trainers[1]) = (trainers[1], trainers[0]);
        submitAll();
        refusesSettle(settlement, abi.encodeWithSelector(IGramVerifier.ProofRejected.selector));
    }

    // ------------------------------------------------------------------------------------------------- helpers

    function submitAll() private {
        uint256 round = market.getRound(id).index;
        bytes32[] memory hashes = vm.parseJsonBytes32Array(json, ".commitmentHashes");
        for (uint256 i; i < hashes.length; ++i) {
            vm.prank(trainers[i]);
            market.submit(id, round, cidOf("payload"), hashes[i]);
        }
    }

    function readSettlement() private view returns (Settlement memory settlement) {
        settlement.exclusions = new Exclusion[](0);
        settlement.commitments = vm.parseJsonBytes(json, ".commitments");
        settlement.gram = vm.parseJsonBytes(json, ".gram");
        settlement.proof = vm.parseJsonBytes(json, ".proof");
        settlement.hints = vm.parseJsonBytes(json, ".hints");
        settlement.aggregateCid = cidOf("aggregate");
        settlement.blinders = vm.parseJsonBytes(json, ".blinders");
    }
}
