// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Test} from "forge-std/Test.sol";

import {Steelyard} from "../../src/Steelyard.sol";
import {IGramVerifier} from "../../src/interfaces/IGramVerifier.sol";
import {
    AggregatorTerms,
    Cid,
    Exclusion,
    ExclusionReason,
    ISteelyard,
    Member,
    Project,
    ProjectId,
    ProjectParams,
    ProjectStatus,
    Round,
    RoundOutcome,
    RoundStatus,
    Settlement,
    Stake
} from "../../src/interfaces/ISteelyard.sol";
import {IWeighingRule} from "../../src/interfaces/IWeighingRule.sol";
import {ScriptedRootedRule} from "../../src/mocks/ScriptedRootedRule.sol";
import {ScriptedRule} from "../../src/mocks/ScriptedRule.sol";
import {ScriptedVerifier} from "../../src/mocks/ScriptedVerifier.sol";
import {TestToken} from "../../src/mocks/TestToken.sol";

/// @notice A market with an owner, two aggregators and 32 trainers, and the moves that tests are made of.
abstract contract Base is Test {
    using SafeERC20 for IERC20;

    uint256 internal constant UNBONDING = 7 days;
    uint128 internal constant BUDGET = 1000e6 + 7;
    uint128 internal constant MIN_STAKE = 50e6 + 1;
    uint128 internal constant AGGREGATOR_STAKE = 200e6 + 3;
    uint128 internal constant FUNDS = 10_000e6;
    uint16 internal constant ROUNDS = 3;
    uint256 internal constant ROUND_BUDGET = uint256(BUDGET) / ROUNDS;
    uint256 internal constant FEE = ROUND_BUDGET * 500 / 10_000;
    /// @dev Stands for the owner where trainers are numbers.
    uint256 internal constant ROOT = 1000;
    address internal constant DEAD = 0x000000000000000000000000000000000000dEaD;

    Steelyard internal market;
    ScriptedVerifier internal verifier;
    ScriptedRule internal rule;
    ScriptedRootedRule internal rootedRule;
    TestToken internal token;

    address internal owner = makeAddr("owner");
    address internal alice = makeAddr("aggregator alice");
    address internal bob = makeAddr("aggregator bob");
    address internal stranger = makeAddr("stranger");
    address[] internal trainers;

    /// @dev The project that most tests are about.
    ProjectId internal id;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        vm.prevrandao(bytes32(uint256(42)));
        verifier = new ScriptedVerifier();
        rule = new ScriptedRule();
        rootedRule = new ScriptedRootedRule();
        market = deployMarket(address(verifier), address(rule), address(rootedRule));
        token = new TestToken();
        fund(owner);
        token.mint(owner, 20 * FUNDS);
        for (uint256 i; i < 32; ++i) {
            trainers.push(makeAddr(string.concat("trainer ", vm.toString(i))));
            fund(trainers[i]);
            prepare(trainers[i], 1000e6);
        }
    }

    // ------------------------------------------------------------------------------------------------- set-up

    function deployMarket(address verifier_, address rule_, address rooted_) internal returns (Steelyard) {
        address[] memory verifiers = new address[](1);
        address[] memory rules = new address[](2);
        (verifiers[0], rules[0], rules[1]) = (verifier_, rule_, rooted_);
        return new Steelyard(verifiers, rules, UNBONDING);
    }

    function fund(address account) internal {
        token.mint(account, FUNDS);
        vm.prank(account);
        IERC20(address(token)).forceApprove(address(market), type(uint256).max);
    }

    /// @dev A key and some stake.
    function prepare(address account, uint128 stake) internal {
        vm.startPrank(account);
        market.registerKey(keccak256(abi.encode(account)));
        market.deposit(address(token), stake);
        vm.stopPrank();
    }

    function offer(address account) internal {
        fund(account);
        prepare(account, 1000e6);
        vm.prank(account);
        market.registerAggregator(address(token), defaultTerms());
    }

    function defaultTerms() internal pure returns (AggregatorTerms memory) {
        return AggregatorTerms({maxStake: 1000e6, maxDimension: 100_000, minSettleSeconds: 60, minFeeBps: 100});
    }

    function defaultParams() internal view returns (ProjectParams memory) {
        return ProjectParams({
            owner: owner,
            token: address(token),
            budget: BUDGET,
            rounds: ROUNDS,
            minTrainers: 3,
            maxTrainers: 7,
            minReputationBps: 4000,
            byzantineBps: 3000,
            minStake: MIN_STAKE,
            aggregatorFeeBps: 500,
            slashBps: 2500,
            maxStrikes: 2,
            maxAbsences: 3,
            aggregatorStake: AGGREGATOR_STAKE,
            aggregatorSlashBps: 3333,
            enrolSeconds: 1 days,
            submitSeconds: 1 hours,
            settleSeconds: 2 hours,
            attestSeconds: 30 minutes,
            dimension: 2410,
            rule: IWeighingRule(address(rule)),
            verifier: IGramVerifier(address(verifier)),
            aggregator: address(0),
            specCid: cidOf("spec")
        });
    }

    function create() internal {
        id = create(defaultParams());
    }

    function rootedParams() internal view returns (ProjectParams memory params) {
        params = defaultParams();
        params.rule = IWeighingRule(address(rootedRule));
    }

    function create(ProjectParams memory params) internal returns (ProjectId) {
        vm.prank(params.owner);
        return market.createProject(params);
    }

    /// @dev Trainers `from … to − 1` enrol.
    function enrol(uint256 from, uint256 to) internal {
        for (uint256 i = from; i < to; ++i) {
            vm.prank(trainers[i]);
            market.enrol(id);
        }
    }

    /// @dev Alice is drawn, `n` trainers have enrolled, the first attempt collects.
    function run(uint256 n) internal {
        run(n, defaultParams());
    }

    function run(uint256 n, ProjectParams memory params) internal {
        offer(alice);
        id = create(params);
        enrol(0, n);
        vm.prank(owner);
        market.start(id);
    }

    // ------------------------------------------------------------------------------------------------- moves

    function cidOf(string memory content) internal pure returns (Cid memory) {
        return Cid({digest: keccak256(bytes(content)), codec: 0x55});
    }

    /// @dev Stands for the commitments of a trainer's update in an attempt, or of the root.
    function commitmentOf(uint256 trainer, uint256 attempt) internal view returns (bytes memory commitments) {
        uint256 blocks = verifier.blocksOf(market.getProject(id).params.dimension);
        for (uint256 i; i < 4 * blocks; ++i) {
            commitments = bytes.concat(commitments, keccak256(abi.encode(trainer, attempt, i)));
        }
    }

    function submit(uint256 trainer) internal {
        Round memory round = market.getRound(id);
        bytes32 hash = keccak256(commitmentOf(trainer, round.attempt));
        vm.prank(trainers[trainer]);
        market.submit(id, round.index, cidOf("payload"), hash);
    }

    function submitRoot() internal {
        Round memory round = market.getRound(id);
        bytes32 hash = keccak256(commitmentOf(ROOT, round.attempt));
        vm.prank(owner);
        market.submitRoot(id, round.index, cidOf("payload"), hash);
    }

    function refusesSubmit(uint256 trainer, bytes memory reason) internal {
        Round memory round = market.getRound(id);
        bytes32 hash = keccak256(commitmentOf(trainer, round.attempt));
        vm.expectRevert(reason);
        vm.prank(trainers[trainer]);
        market.submit(id, round.index, cidOf("payload"), hash);
    }

    function refusesSettle(Settlement memory settlement, bytes memory reason) internal {
        Round memory round = market.getRound(id);
        vm.expectRevert(reason);
        vm.prank(round.aggregator);
        market.settle(id, round.index, settlement);
    }

    function refusesAttest(uint256 trainer, bytes memory reason) internal {
        uint256 round = market.getRound(id).index;
        vm.expectRevert(reason);
        vm.prank(trainers[trainer]);
        market.attest(id, round, true);
    }

    function refusesPoke() internal {
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NothingToDo.selector, id));
        vm.prank(stranger);
        market.poke(id);
    }

    function notInStatus(RoundStatus current, RoundStatus expected) internal view returns (bytes memory) {
        return abi.encodeWithSelector(ISteelyard.RoundNotInStatus.selector, id, current, expected);
    }

    function submit(uint256 from, uint256 to) internal {
        for (uint256 i = from; i < to; ++i) {
            submit(i);
        }
    }

    function range(uint256 from, uint256 to) internal pure returns (uint256[] memory values) {
        values = new uint256[](to - from);
        for (uint256 i; i < values.length; ++i) {
            values[i] = from + i;
        }
    }

    function same(uint256 n, uint256 value) internal pure returns (uint256[] memory values) {
        values = new uint256[](n);
        for (uint256 i; i < n; ++i) {
            values[i] = value;
        }
    }

    /// @dev The settlement of `rows`, trainers by number in the order of their submissions, and of the root if any.
    function build(uint256[] memory rows, Exclusion[] memory exclusions, ScriptedRule.Script memory script)
        internal
        view
        returns (Settlement memory settlement)
    {
        Project memory project = market.getProject(id);
        uint256 n = project.rooted ? rows.length + 1 : rows.length;
        address[] memory accounts = new address[](n);
        bytes32[] memory hashes = new bytes32[](n);
        for (uint256 i; i < n; ++i) {
            uint256 row = i < rows.length ? rows[i] : ROOT;
            bytes memory commitments = commitmentOf(row, project.attempt);
            (accounts[i], hashes[i]) = (row == ROOT ? owner : trainers[row], keccak256(commitments));
            settlement.commitments = bytes.concat(settlement.commitments, commitments);
        }
        settlement.exclusions = exclusions;
        settlement.gram = new bytes(4 * n * (n + 1));
        settlement.hints = abi.encode(script);
        settlement.aggregateCid = cidOf("aggregate");
        settlement.blinders = new bytes(32 * verifier.blocksOf(project.params.dimension));
        settlement.proof = verifier.prove(
            contextOf(project.round, accounts, hashes),
            n,
            project.params.dimension,
            settlement.commitments,
            settlement.gram
        );
    }

    /// @dev docs/proof.md section 4, written out.
    function contextOf(uint256 round, address[] memory accounts, bytes32[] memory hashes)
        internal
        view
        returns (bytes32)
    {
        bytes32 submissionsHash = keccak256(abi.encode(accounts, hashes));
        return keccak256(abi.encode(block.chainid, address(market), id, round, submissionsHash));
    }

    function scriptOf(uint256[] memory contributions, uint256 opposed)
        internal
        view
        returns (ScriptedRule.Script memory script)
    {
        uint256 n = contributions.length;
        uint256 rows = market.getProject(id).rooted ? n + 1 : n;
        uint256 byzantineBps = market.getProject(id).params.byzantineBps;
        uint256 f = n * byzantineBps / 10_000;
        script.f = f < (n - 3) / 2 ? f : (n - 3) / 2;
        (script.weights, script.contributions, script.opposed) = (new uint256[](rows), new uint256[](rows), opposed);
        for (uint256 i; i < n; ++i) {
            script.weights[i] = (opposed >> i) & 1 == 1 ? 0 : 1 << 32;
            script.contributions[i] = contributions[i];
        }
    }

    function settle(Settlement memory settlement) internal {
        Round memory round = market.getRound(id);
        vm.prank(round.aggregator);
        market.settle(id, round.index, settlement);
    }

    /// @dev Settles with trainers `0 … contributions.length − 1` as rows and nobody excluded.
    function settle(uint256[] memory contributions, uint256 opposed) internal {
        settle(build(range(0, contributions.length), new Exclusion[](0), scriptOf(contributions, opposed)));
    }

    function attest(uint256 trainer, bool opens) internal {
        uint256 round = market.getRound(id).index;
        vm.prank(trainers[trainer]);
        market.attest(id, round, opens);
    }

    function poke() internal {
        vm.prank(stranger);
        market.poke(id);
    }

    /// @dev One whole attempt of the first `contributions.length` members, to its close as Final.
    function finish(uint256[] memory contributions, uint256 opposed) internal {
        submit(0, contributions.length);
        if (market.getProject(id).rooted) submitRoot();
        if (statusOf() == RoundStatus.Collecting) vm.warp(market.getRound(id).submitDeadline);
        settle(contributions, opposed);
        vm.warp(market.getRound(id).attestDeadline);
        poke();
    }

    // ------------------------------------------------------------------------------------------------- reading

    function statusOf() internal view returns (RoundStatus) {
        return market.getRound(id).status;
    }

    function stakeOf(address account) internal view returns (Stake memory) {
        return market.stakeOf(account, address(token));
    }

    function creditOf(address account) internal view returns (uint256) {
        return market.creditOf(account, address(token));
    }

    function assertStatus(ProjectStatus expected) internal view {
        assertEq(uint256(market.getProject(id).status), uint256(expected), "project status");
    }

    function assertStatus(RoundStatus expected) internal view {
        assertEq(uint256(market.getRound(id).status), uint256(expected), "round status");
    }

    function assertOutcome(RoundOutcome expected) internal view {
        assertEq(uint256(market.getRound(id).outcome), uint256(expected), "outcome");
    }

    function revertsNotInStatus(ProjectStatus current, ProjectStatus expected) internal {
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.ProjectNotInStatus.selector, id, current, expected));
    }

    function revertsInvalid(bytes32 name, uint256 value) internal {
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.InvalidParameter.selector, name, value));
    }
}
