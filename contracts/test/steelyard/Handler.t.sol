// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";

import {Steelyard} from "../../src/Steelyard.sol";
import {
    CreditKind,
    Exclusion,
    ExclusionReason,
    ISteelyard,
    Project,
    ProjectId,
    ProjectParams,
    ProjectStatus,
    Round,
    RoundStatus,
    Stake
} from "../../src/interfaces/ISteelyard.sol";
import {IWeighingRule} from "../../src/interfaces/IWeighingRule.sol";
import {TestToken} from "../../src/mocks/TestToken.sol";
import {Base} from "./Base.t.sol";

/// @notice Plays every role at random, but never out of turn: a call that reverts is a failure.
contract Handler is Base {
    uint256 internal constant TRAINERS = 8;
    uint256 internal constant MAX_LIVE = 3;

    ProjectId[] public projects;

    /// @dev Those that calls are about; an ended one makes room for a new one.
    ProjectId[] private _live;

    address[] public accounts;

    /// @notice Tokens sent to the market by force, and what left it.
    uint256 public forced;

    /// @notice What each project's parties were credited, and what slashes brought its pool.
    mapping(ProjectId => uint256) public credited;
    mapping(ProjectId => uint256) public slashedToPool;

    /// @notice Whether a project, a round or an attempt ever went backward.
    bool public wentBackward;
    mapping(ProjectId => Project) private _last;

    /// @dev Trainers in the order of their submissions.
    mapping(ProjectId => mapping(uint256 attempt => uint256[])) private _order;

    /// @notice How often each thing was reached, to show that the walk gets anywhere.
    mapping(bytes32 => uint256) public reached;

    constructor() {
        setUp();
        accounts.push(owner);
        accounts.push(alice);
        accounts.push(bob);
        accounts.push(stranger);
        for (uint256 i; i < TRAINERS; ++i) {
            accounts.push(trainers[i]);
        }
        offer(alice);
        offer(bob);
        fund(stranger);
        prepare(stranger, 1000e6);
        open(0);
        _live.push(id);
        enrol(0, 5);
        vm.prank(owner);
        market.start(id);
    }

    /// @dev Picks a project, watches what the call credits and that nothing goes backward.
    modifier inProject(uint256 seed) {
        id = _live[seed % _live.length];
        vm.recordLogs();
        _;
        observe();
    }

    // ------------------------------------------------------------------------------------------------- accounts

    function deposit(uint256 seed, uint128 amount) external {
        address account = pick(seed);
        uint256 balance = token.balanceOf(account);
        if (balance == 0) return;
        vm.prank(account);
        market.deposit(address(token), uint128(bound(amount, 1, balance)));
    }

    function unbond(uint256 seed, uint128 amount) external {
        address account = pick(seed);
        uint128 free = stakeOf(account).free;
        if (free == 0) return;
        vm.prank(account);
        market.unbond(address(token), uint128(bound(amount, 1, free)));
    }

    function withdraw(uint256 seed) external {
        address account = pick(seed);
        Stake memory stake = stakeOf(account);
        if (stake.unbonding == 0) return;
        if (block.timestamp < stake.availableAt) vm.warp(stake.availableAt);
        vm.prank(account);
        market.withdraw(address(token), account);
    }

    function claim(uint256 seed) external {
        address account = pick(seed);
        if (creditOf(account) == 0) return;
        vm.prank(account);
        market.claim(address(token), account);
        ++reached["claim"];
    }

    function burn() external {
        if (market.burntOf(address(token)) == 0) return;
        market.burn(address(token));
        ++reached["burn"];
    }

    function force(uint64 amount) external {
        token.mint(address(market), amount);
        forced += amount;
    }

    function offerOrNot(uint256 seed) external {
        address account = accounts[1 + seed % 3];
        (bool registered,) = market.aggregatorTermsOf(account, address(token));
        vm.prank(account);
        if (registered) market.unregisterAggregator(address(token));
        else market.registerAggregator(address(token), defaultTerms());
    }

    // ------------------------------------------------------------------------------------------------- projects

    function createProject(uint256 seed) external {
        for (uint256 i; i < _live.length; ++i) {
            if (market.getProject(_live[i]).status < ProjectStatus.Completed) continue;
            open(seed);
            _live[i] = id;
            return;
        }
        if (_live.length == MAX_LIVE) return;
        open(seed);
        _live.push(id);
    }

    function join(uint256 seed, uint256 count) external inProject(seed) {
        Project memory project = market.getProject(id);
        for (uint256 i; i < TRAINERS && count % 8 > i; ++i) {
            project = market.getProject(id);
            if (project.status != ProjectStatus.Enrolling || block.timestamp >= project.enrolDeadline) return;
            address account = trainers[(seed % TRAINERS + i) % TRAINERS];
            if (isMember(account) || stakeOf(account).free < project.params.minStake) continue;
            if (market.reputationOf(account) < project.params.minReputationBps) continue;
            if (count_(project.active) == project.params.maxTrainers) return;
            vm.prank(account);
            market.enrol(id);
        }
    }

    function leave(uint256 seed) external inProject(seed) {
        ProjectStatus status = market.getProject(id).status;
        address account = trainers[seed % TRAINERS];
        if (status != ProjectStatus.Enrolling && status != ProjectStatus.Running) return;
        if (!isMember(account)) return;
        vm.prank(account);
        market.leave(id);
    }

    function cancelOrStart(uint256 seed) external inProject(seed) {
        Project memory project = market.getProject(id);
        if (project.status != ProjectStatus.Enrolling) return;
        bool enough = count_(project.active) >= project.params.minTrainers;
        vm.startPrank(owner);
        if (enough && market.aggregatorsOf(address(token)).length != 0) {
            try market.start(id) {}
            catch (bytes memory reason) {
                assertEq(reason, abi.encodeWithSelector(ISteelyard.NoAggregator.selector, id));
            }
        } else if (seed % 8 == 0) {
            market.cancel(id);
            ++reached["cancel"];
        }
        vm.stopPrank();
    }

    // ------------------------------------------------------------------------------------------------- rounds

    function submitSome(uint256 seed, uint8 who) external inProject(seed) {
        for (uint256 i; i < TRAINERS; ++i) {
            Round memory round = market.getRound(id);
            if (round.status != RoundStatus.Collecting || round.aggregator == address(0)) return;
            uint256 trainer = (seed % TRAINERS + i) % TRAINERS;
            // All but one in four bits.
            if (seed % 4 == 0 && (who >> trainer) & 1 == 0) continue;
            if (!isMember(trainers[trainer])) continue;
            if ((round.submitted >> market.slotOf(id, trainers[trainer])) & 1 == 1) continue;
            submit(trainer);
            _order[id][round.attempt].push(trainer);
            ++reached["submit"];
        }
        submitRootOrNot(seed);
    }

    function settleOrAbandon(uint256 seed, uint256 contributions, uint256 opposed) external inProject(seed) {
        if (statusOf() == RoundStatus.Collecting && seed % 2 == 0) vm.warp(market.getRound(id).submitDeadline);
        if (statusOf() != RoundStatus.Weighing) return;
        Round memory round = market.getRound(id);
        if ((seed >> 8) % 16 == 1) {
            vm.prank(round.aggregator);
            market.abandon(id, round.index);
            ++reached["abandon"];
            return;
        }
        settleRandomly(round, seed, contributions, opposed);
        ++reached["settle"];
    }

    function vote(uint256 seed, uint256 opens) external inProject(seed) {
        for (uint256 i; i < TRAINERS; ++i) {
            Round memory round = market.getRound(id);
            if (round.status != RoundStatus.Attesting) return;
            if (!isMember(trainers[i])) continue;
            uint256 slot = market.slotOf(id, trainers[i]);
            if ((round.attesters >> slot) & 1 == 0 || ((round.approvals | round.objections) >> slot) & 1 == 1) {
                continue;
            }
            attest(i, seed % 2 == 0 ? opens % 8 != 0 : (opens >> i) & 1 == 1);
        }
    }

    /// @dev Lets the next deadline pass, and pokes.
    function pass(uint256 seed) external inProject(seed) {
        Project memory project = market.getProject(id);
        Round memory round = market.getRound(id);
        if (project.status == ProjectStatus.Enrolling) {
            warpTo(project.enrolDeadline);
        } else if (project.status == ProjectStatus.Running) {
            if (round.status == RoundStatus.Collecting) {
                if (round.aggregator != address(0) && seed % 4 != 0) return;
                warpTo(round.submitDeadline);
            }
            if (statusOf() == RoundStatus.Weighing) {
                if (seed % 4 != 0) return;
                warpTo(round.settleDeadline);
            }
            if (statusOf() == RoundStatus.Attesting) warpTo(round.attestDeadline);
        } else {
            return;
        }
        vm.prevrandao(keccak256(abi.encode(seed)));
        poke();
        ++reached[keccak256(abi.encode(market.getProject(id).status))];
        ++reached["poke"];
    }

    function wait(uint256 time) external {
        skip(bound(time, 0, 1 hours));
    }

    // ------------------------------------------------------------------------------------------------- reading

    function steelyard() external view returns (Steelyard, TestToken) {
        return (market, token);
    }

    function counts() external view returns (uint256 accounts_, uint256 projects_) {
        return (accounts.length, projects.length);
    }

    /// @notice Everybody who may hold something: the accounts that play, and trainers that never do.
    function holders() external view returns (address[] memory list) {
        list = new address[](4 + trainers.length);
        (list[0], list[1], list[2], list[3]) = (owner, alice, bob, stranger);
        for (uint256 i; i < trainers.length; ++i) {
            list[4 + i] = trainers[i];
        }
    }

    // ------------------------------------------------------------------------------------------------- helpers

    /// @dev An owner forgets about one root in eight.
    function submitRootOrNot(uint256 seed) private {
        Round memory round = market.getRound(id);
        if (round.status != RoundStatus.Collecting || round.hasRoot || !market.getProject(id).rooted) return;
        if (seed % 8 == 7) return;
        submitRoot();
        ++reached["root"];
    }

    function open(uint256 seed) private {
        ProjectParams memory params = defaultParams();
        params.rounds = uint16(2 + seed % 3);
        params.minReputationBps = 0;
        params.minTrainers = uint8(3 + seed % 2);
        params.maxTrainers = uint8(5 + seed % 3);
        params.byzantineBps = uint16(seed % 5001);
        params.budget = uint128(bound(seed, params.rounds, 1000e6));
        params.maxStrikes = uint8(1 + seed % 2);
        params.maxAbsences = uint8(1 + seed % 3);
        if (seed % 3 == 1) params.aggregator = bob;
        if (seed % 5 < 2) params.rule = IWeighingRule(address(rootedRule));
        id = create(params);
        projects.push(id);
    }

    function settleRandomly(Round memory round, uint256 seed, uint256 contributions, uint256 opposed) private {
        uint256[] storage order = _order[id][round.attempt];
        uint256 excluded = bound(seed, 0, tolerated(order.length));
        if (seed % 4 != 3) excluded = 0;
        Exclusion[] memory exclusions = new Exclusion[](excluded);
        uint256 n = order.length - excluded;
        uint256[] memory rows = new uint256[](n);
        uint256[] memory phi = new uint256[](n);
        // The first rows are the excluded ones; which is of no matter to the money.
        for (uint256 i; i < excluded; ++i) {
            exclusions[i] = Exclusion(uint8(i), ExclusionReason.NotOpening);
        }
        for (uint256 i; i < n; ++i) {
            rows[i] = order[excluded + i];
            phi[i] = contributions % 8 == 0 ? 0 : (contributions >> (8 * i)) & 0xff;
        }
        settle(build(rows, exclusions, scriptOf(phi, opposed & (opposed >> 8) & ((1 << n) - 1))));
    }

    function tolerated(uint256 m) private view returns (uint256) {
        uint256 share = m * market.getProject(id).params.byzantineBps / 10_000;
        return share < (m - 3) / 2 ? share : (m - 3) / 2;
    }

    function observe() private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics.length < 2) continue;
            ProjectId projectId = ProjectId.wrap(logs[i].topics[1]);
            if (logs[i].topics[0] == ISteelyard.Credited.selector) {
                (uint256 amount,) = abi.decode(logs[i].data, (uint256, CreditKind));
                credited[projectId] += amount;
            }
            if (logs[i].topics[0] == ISteelyard.StakeSlashed.selector) {
                (, uint256 toPool) = abi.decode(logs[i].data, (uint256, uint256));
                slashedToPool[projectId] += toPool;
                ++reached["slash"];
            }
        }
        Project memory project = market.getProject(id);
        Project storage last = _last[id];
        if (
            project.status < last.status || project.round < last.round || project.attempt < last.attempt
                || (project.attempt == last.attempt
                    && last.attempt != 0
                    && project.active != last.active
                    && project.status == ProjectStatus.Running
                    && last.status == ProjectStatus.Running)
        ) wentBackward = true;
        (last.status, last.round, last.attempt, last.active) =
        (project.status, project.round, project.attempt, project.active);
    }

    function pick(uint256 seed) private view returns (address) {
        return accounts[seed % accounts.length];
    }

    function warpTo(uint256 time) private {
        if (time > block.timestamp) vm.warp(time);
    }

    function isMember(address account) private view returns (bool) {
        try market.slotOf(id, account) returns (uint256) {
            return true;
        } catch {
            return false;
        }
    }

    function count_(uint32 mask) private pure returns (uint256 n) {
        for (; mask != 0; mask &= mask - 1) {
            ++n;
        }
    }
}
