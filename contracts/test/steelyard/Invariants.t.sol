// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {Steelyard} from "../../src/Steelyard.sol";
import {Member, Project, ProjectId, ProjectStatus, Round, Stake} from "../../src/interfaces/ISteelyard.sol";
import {TestToken} from "../../src/mocks/TestToken.sol";
import {Handler} from "./Handler.t.sol";

/// @notice What holds after any sequence of calls.
contract InvariantsTest is Test {
    Handler private handler;
    Steelyard private market;
    TestToken private token;

    function setUp() public {
        handler = new Handler();
        (market, token) = handler.steelyard();
        bytes4[] memory selectors = new bytes4[](22);
        selectors[0] = Handler.deposit.selector;
        selectors[1] = Handler.unbond.selector;
        selectors[2] = Handler.withdraw.selector;
        selectors[3] = Handler.claim.selector;
        selectors[4] = Handler.burn.selector;
        selectors[5] = Handler.force.selector;
        selectors[6] = Handler.offerOrNot.selector;
        selectors[7] = Handler.createProject.selector;
        selectors[8] = Handler.join.selector;
        selectors[9] = Handler.leave.selector;
        selectors[10] = Handler.cancelOrStart.selector;
        selectors[11] = Handler.wait.selector;
        selectors[12] = Handler.vote.selector;
        // The walk is short: what moves rounds is drawn more often.
        for (uint256 i = 13; i < 22; i += 3) {
            selectors[i] = Handler.submitSome.selector;
            selectors[i + 1] = Handler.settleOrAbandon.selector;
            selectors[i + 2] = Handler.pass.selector;
        }
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
        targetContract(address(handler));
    }

    /// @notice Every unit of every token is accounted for.
    function invariant_money() public view {
        _checkBalanceIsWhatIsOwed();
        _checkPaidAndUnpaidAreTheBudget();
        _checkLockedStakeIsInProjects();
    }

    /// @notice Every project is in a state that it may be in.
    function invariant_states() public view {
        _checkNothingGoesBackward();
        _checkReputationIsInBounds();
        _checkEndedProjectsAreEmpty();
    }

    /// @notice The market holds exactly what it owes: budgets and pools, stakes, credits, what is to be burnt; and what
    /// was sent to it by force.
    function _checkBalanceIsWhatIsOwed() private view {
        uint256 owed = market.burntOf(address(token)) + handler.forced();
        address[] memory holders = handler.holders();
        for (uint256 i; i < holders.length; ++i) {
            Stake memory stake = market.stakeOf(holders[i], address(token));
            owed += uint256(stake.free) + stake.locked + stake.unbonding;
            owed += market.creditOf(holders[i], address(token));
        }
        (, uint256 projects) = handler.counts();
        for (uint256 i; i < projects; ++i) {
            owed += unspentOf(handler.projects(i));
        }
        assertEq(token.balanceOf(address(market)), owed);
    }

    /// @notice For each project, what was credited and what is left are its budget and its pool's part of slashes.
    function _checkPaidAndUnpaidAreTheBudget() private view {
        (, uint256 projects) = handler.counts();
        for (uint256 i; i < projects; ++i) {
            ProjectId id = handler.projects(i);
            assertEq(
                handler.credited(id) + unspentOf(id), market.getProject(id).params.budget + handler.slashedToPool(id)
            );
        }
    }

    /// @notice An account's locked stake is what it has in projects, as member and as aggregator.
    function _checkLockedStakeIsInProjects() private view {
        address[] memory holders = handler.holders();
        for (uint256 i; i < holders.length; ++i) {
            uint256 locked;
            (, uint256 projects) = handler.counts();
            for (uint256 j; j < projects; ++j) {
                locked += lockedIn(handler.projects(j), holders[i]);
            }
            assertEq(market.stakeOf(holders[i], address(token)).locked, locked);
        }
    }

    /// @notice Statuses, rounds and attempts only go forward, and membership is fixed during an attempt.
    function _checkNothingGoesBackward() private view {
        assertFalse(handler.wentBackward());
    }

    function _checkReputationIsInBounds() private view {
        address[] memory holders = handler.holders();
        for (uint256 i; i < holders.length; ++i) {
            assertLe(market.reputationOf(holders[i]), 10_000);
        }
    }

    /// @notice Nobody is owed a share outside attesting, and ended projects hold nobody and nothing.
    function _checkEndedProjectsAreEmpty() private view {
        (, uint256 projects) = handler.counts();
        for (uint256 i; i < projects; ++i) {
            Project memory project = market.getProject(handler.projects(i));
            Round memory round = market.getRound(handler.projects(i));
            if (project.status >= ProjectStatus.Completed) {
                assertEq(project.pool, 0);
                assertEq(project.active, 0);
                assertEq(project.leaving, 0);
            }
            assertTrue(project.rooted || !round.hasRoot);
            assertTrue(round.attestDeadline == 0 || project.rooted == round.hasRoot);
            assertEq(project.leaving & ~project.active, 0);
            assertEq(round.attesters & ~round.submitted, 0);
            assertEq(round.approvals & round.objections, 0);
            assertEq((round.approvals | round.objections) & ~round.attesters, 0);
            if (round.attestDeadline != 0 && project.status == ProjectStatus.Running) continue;
            Member[] memory members = market.getMembers(handler.projects(i));
            for (uint256 j; j < members.length; ++j) {
                assertEq(members[j].share, 0);
            }
        }
    }

    /// @notice Shows that a fixed walk does reach settlements, slashes and ends; otherwise the above would be hollow.
    function test_theHandlerGetsSomewhere() public {
        for (uint256 i; i < 120; ++i) {
            uint256 seed = uint256(keccak256(abi.encode(i)));
            handler.createProject(seed);
            handler.join(seed, seed >> 8);
            handler.cancelOrStart(seed >> 1);
            handler.submitSome(seed >> 2, uint8(seed >> 16));
            handler.settleOrAbandon(seed >> 3, seed, seed >> 100);
            if (seed % 3 == 0) handler.vote(seed >> 4, seed >> 20);
            handler.pass(seed >> 5);
            handler.claim(seed >> 6);
            if (i % 40 == 0) handler.burn();
        }
        string[7] memory names = ["submit", "root", "settle", "abandon", "slash", "claim", "burn"];
        for (uint256 i; i < names.length; ++i) {
            emit log_named_uint(names[i], handler.reached(bytes32(bytes(names[i]))));
            assertGt(handler.reached(bytes32(bytes(names[i]))), 0, names[i]);
        }
        assertGt(handler.reached(keccak256(abi.encode(ProjectStatus.Completed))), 0, "completed");
        invariant_money();
        invariant_states();
    }

    // ------------------------------------------------------------------------------------------------- helpers

    /// @dev What a project still holds of its budget, and its pool.
    function unspentOf(ProjectId id) private view returns (uint256) {
        Project memory project = market.getProject(id);
        if (project.status >= ProjectStatus.Completed) return 0;
        return project.params.budget - project.round * (project.params.budget / project.params.rounds) + project.pool;
    }

    function lockedIn(ProjectId id, address account) private view returns (uint256 locked) {
        Project memory project = market.getProject(id);
        Round memory round = market.getRound(id);
        if (project.status == ProjectStatus.Running && round.aggregator == account) {
            locked += project.params.aggregatorStake;
        }
        Member[] memory members = market.getMembers(id);
        for (uint256 i; i < members.length; ++i) {
            if (members[i].active && members[i].account == account) locked += project.params.minStake;
        }
    }
}
