// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {Rounds} from "../../src/Rounds.sol";
import {ISteelyard, Permit, ProjectParams, ProjectStatus, RoundStatus} from "../../src/interfaces/ISteelyard.sol";
import {BlacklistToken, FeeToken, HookToken, SilentToken} from "../../src/mocks/OddTokens.sol";
import {TestToken} from "../../src/mocks/TestToken.sol";
import {Base} from "./Base.t.sol";

/// @notice Claim and burn, and tokens that behave oddly.
contract MoneyTest is Base {
    // ------------------------------------------------------------------------------------------------- claim, burn

    function test_claimPaysOnceToWhomTheCallerNames() public {
        run(4);
        finish(same(4, 1), 0);
        uint256 amount = creditOf(trainers[0]);
        vm.expectEmit(address(market));
        emit ISteelyard.Claimed(trainers[0], address(token), amount, stranger);
        vm.prank(trainers[0]);
        assertEq(market.claim(address(token), stranger), amount);
        assertEq(token.balanceOf(stranger), amount);
        assertEq(creditOf(trainers[0]), 0);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NothingToClaim.selector, trainers[0], address(token)));
        vm.prank(trainers[0]);
        market.claim(address(token), stranger);
    }

    function test_creditsOfRoundsAddUp() public {
        run(4);
        finish(same(4, 1), 0);
        uint256 first = creditOf(trainers[0]);
        finish(same(4, 1), 0);
        assertEq(creditOf(trainers[0]), 2 * first);
    }

    function test_RevertWhen_claimingToNobody() public {
        run(4);
        finish(same(4, 1), 0);
        vm.expectRevert(ISteelyard.ZeroValue.selector);
        vm.prank(trainers[0]);
        market.claim(address(token), address(0));
    }

    function test_RevertWhen_claimingBeforeTheRoundIsFinal() public {
        run(4);
        submit(0, 4);
        settle(same(4, 1), 0);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NothingToClaim.selector, trainers[0], address(token)));
        vm.prank(trainers[0]);
        market.claim(address(token), trainers[0]);
    }

    function test_ownerHasNothingToTakeFromARunningProject() public {
        run(4);
        revertsNotInStatus(ProjectStatus.Running, ProjectStatus.Enrolling);
        vm.prank(owner);
        market.cancel(id);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NothingToClaim.selector, owner, address(token)));
        vm.prank(owner);
        market.claim(address(token), owner);
    }

    function test_anybodyBurnsWhatSlashesLeft() public {
        run(4);
        submit(0, 4);
        vm.warp(market.getRound(id).settleDeadline);
        poke();
        uint256 amount = market.burntOf(address(token));
        assertGt(amount, 0);
        vm.expectEmit(address(market));
        emit ISteelyard.Burned(address(token), amount);
        vm.prank(stranger);
        assertEq(market.burn(address(token)), amount);
        assertEq(token.balanceOf(DEAD), amount);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NothingToClaim.selector, DEAD, address(token)));
        market.burn(address(token));
    }

    /// @notice The second half of the code does nothing on its own: it knows no project and no account.
    function test_RevertWhen_roundsIsCalledDirectly() public {
        run(4);
        Rounds rounds = new Rounds();
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NothingToDo.selector, id));
        rounds.poke(id);
        revertsNotInStatus(ProjectStatus.None, ProjectStatus.Enrolling);
        rounds.cancel(id);
        revertsNotInStatus(ProjectStatus.None, ProjectStatus.Enrolling);
        rounds.start(id);
        revertsNotInStatus(ProjectStatus.None, ProjectStatus.Running);
        rounds.leave(id);
        vm.expectRevert(notInStatus(RoundStatus.None, RoundStatus.Weighing));
        rounds.abandon(id, 0);
    }

    // ------------------------------------------------------------------------------------------------- odd tokens

    function test_RevertWhen_theTokenChargesOnTransfer() public {
        use(address(new FeeToken()));
        vm.startPrank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(ISteelyard.UnexpectedTransferAmount.selector, address(token), 99e6, 100e6)
        );
        market.deposit(address(token), 100e6);
        uint256 received = BUDGET - BUDGET / 100;
        vm.expectRevert(
            abi.encodeWithSelector(ISteelyard.UnexpectedTransferAmount.selector, address(token), received, BUDGET)
        );
        market.createProject(defaultParams());
        vm.stopPrank();
    }

    function test_aTokenWithoutReturnValuesWorks() public {
        use(address(new SilentToken()));
        for (uint256 i; i < 4; ++i) {
            fund(trainers[i]);
            prepare(trainers[i], 1000e6);
        }
        run(4);
        finish(same(4, 1), 0);
        finish(same(4, 1), 0);
        finish(same(4, 1), 0);
        assertStatus(ProjectStatus.Completed);
        uint256 credit = creditOf(trainers[0]);
        vm.startPrank(trainers[0]);
        market.claim(address(token), stranger);
        market.unbond(address(token), 1000e6);
        skip(UNBONDING);
        market.withdraw(address(token), trainers[0]);
        vm.stopPrank();
        assertEq(token.balanceOf(stranger), credit);
        assertEq(token.balanceOf(trainers[0]), FUNDS);
    }

    /// @notice A token without permit falls back on the allowance.
    function test_permitOfATokenWithoutPermitIsIgnored() public {
        use(address(new SilentToken()));
        Permit memory permit;
        vm.prank(owner);
        market.depositWithPermit(address(token), 5, permit);
        assertEq(stakeOf(owner).free, 5);
    }

    /// @notice One blacklisted trainer changes nothing for the others, and can name another recipient.
    function test_aBlacklistedTrainerBlocksNobody() public {
        BlacklistToken odd = new BlacklistToken();
        use(address(odd));
        for (uint256 i; i < 4; ++i) {
            fund(trainers[i]);
            prepare(trainers[i], 1000e6);
        }
        run(4);
        odd.blacklist(trainers[0]);
        odd.blacklist(owner);
        finish(same(4, 1), 0);
        finish(same(4, 1), 0);
        finish(same(4, 1), 0);
        assertStatus(ProjectStatus.Completed);
        vm.prank(trainers[1]);
        market.claim(address(token), trainers[1]);
        vm.expectRevert(abi.encodeWithSelector(BlacklistToken.Blacklisted.selector, trainers[0]));
        vm.prank(trainers[0]);
        market.claim(address(token), trainers[0]);
        assertGt(creditOf(trainers[0]), 0);
        vm.prank(trainers[0]);
        market.claim(address(token), stranger);
        assertEq(creditOf(trainers[0]), 0);
    }

    /// @notice Tokens that are sent by force change no account's claim.
    function test_forceSentTokensBelongToNobody() public {
        run(4);
        token.mint(address(market), 12_345);
        finish(same(4, 1), 0);
        finish(same(4, 1), 0);
        finish(same(4, 1), 0);
        exitAll(4);
        assertEq(token.balanceOf(address(market)), 12_345 + reservesOfOthers(4));
    }

    /// @notice Whatever moves tokens refuses to be entered again while it does.
    function test_RevertWhen_enteredAgainDuringATransfer() public {
        HookToken odd = new HookToken();
        use(address(odd));
        fund(trainers[0]);
        bytes[7] memory calls = [
            abi.encodeCall(ISteelyard.deposit, (address(odd), 1)),
            abi.encodeCall(ISteelyard.depositWithPermit, (address(odd), 1, emptyPermit())),
            abi.encodeCall(ISteelyard.withdraw, (address(odd), address(odd))),
            abi.encodeCall(ISteelyard.claim, (address(odd), address(odd))),
            abi.encodeCall(ISteelyard.burn, (address(odd))),
            abi.encodeCall(ISteelyard.createProject, (paramsOf(address(odd)))),
            abi.encodeCall(ISteelyard.createProjectWithPermit, (paramsOf(address(odd)), emptyPermit()))
        ];
        for (uint256 i; i < calls.length; ++i) {
            odd.hook(address(market), calls[i]);
            vm.prank(trainers[0]);
            market.deposit(address(odd), 10);
            assertFalse(odd.called());
            assertEq(
                odd.result(), abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
            );
        }
        assertEq(stakeOf(trainers[0]).free, 70);
    }

    /// @notice On its way out a claim is already taken off: a callback sees no credit, and cannot claim again.
    function test_aClaimIsTakenOffBeforeItIsPaid() public {
        HookToken odd = new HookToken();
        use(address(odd));
        for (uint256 i; i < 4; ++i) {
            fund(trainers[i]);
            prepare(trainers[i], 1000e6);
        }
        run(4);
        finish(same(4, 1), 0);
        odd.hook(address(market), abi.encodeCall(ISteelyard.creditOf, (trainers[0], address(odd))));
        vm.prank(trainers[0]);
        market.claim(address(odd), trainers[0]);
        assertTrue(odd.called());
        assertEq(abi.decode(odd.result(), (uint256)), 0);
    }

    /// @notice During the budget's transfer the project exists already; cancelling it then gains nothing.
    function test_cancellingInsideTheTransferOfItsBudgetGainsNothing() public {
        HookToken odd = new HookToken();
        use(address(odd));
        odd.mint(address(odd), BUDGET);
        odd.act(address(odd), abi.encodeWithSignature("approve(address,uint256)", address(market), BUDGET));
        ProjectParams memory params = paramsOf(address(odd));
        params.owner = address(odd);
        id = market.computeProjectId(params, 0);
        odd.hook(address(market), abi.encodeCall(ISteelyard.cancel, (id)));
        odd.act(address(market), abi.encodeCall(ISteelyard.createProject, (params)));
        assertTrue(odd.called());
        assertStatus(ProjectStatus.Cancelled);
        assertEq(market.creditOf(address(odd), address(odd)), BUDGET);
        assertEq(odd.balanceOf(address(market)), BUDGET);
    }

    // ------------------------------------------------------------------------------------------------- helpers

    function use(address other) private {
        token = TestToken(other);
        fund(owner);
    }

    function paramsOf(address other) private view returns (ProjectParams memory params) {
        params = defaultParams();
        params.token = other;
        params.owner = other;
    }

    function emptyPermit() private pure returns (Permit memory permit) {}

    /// @dev Everybody with a part in the project takes everything out.
    function exitAll(uint256 n) private {
        address[] memory parties = new address[](n + 2);
        (parties[0], parties[1]) = (owner, alice);
        for (uint256 i; i < n; ++i) {
            parties[i + 2] = trainers[i];
        }
        for (uint256 i; i < parties.length; ++i) {
            vm.startPrank(parties[i]);
            if (creditOf(parties[i]) != 0) market.claim(address(token), parties[i]);
            uint128 free = stakeOf(parties[i]).free;
            if (free != 0) {
                market.unbond(address(token), free);
                skip(UNBONDING);
                market.withdraw(address(token), parties[i]);
            }
            vm.stopPrank();
        }
    }

    function reservesOfOthers(uint256 n) private view returns (uint256 sum) {
        for (uint256 i = n; i < 32; ++i) {
            sum += stakeOf(trainers[i]).free;
        }
    }
}
