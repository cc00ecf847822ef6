// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Steelyard} from "../../src/Steelyard.sol";
import {AggregatorTerms, ISteelyard, Permit, Stake} from "../../src/interfaces/ISteelyard.sol";
import {Base} from "./Base.t.sol";

/// @notice Deployment, stakes, keys and offers.
contract StakesTest is Base {
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    // ------------------------------------------------------------------------------------------------- deployment

    function test_RevertWhen_unbondingTakesMoreThanAYear() public {
        revertsInvalid("unbondingSeconds", 365 days + 1);
        new Steelyard(new address[](0), new address[](0), 365 days + 1);
        assertEq(new Steelyard(new address[](0), new address[](0), 365 days).unbondingSeconds(), 365 days);
    }

    function test_offersItsComponentsOnly() public view {
        assertTrue(market.isOffered(address(verifier)));
        assertTrue(market.isOffered(address(rule)));
        assertFalse(market.isOffered(address(token)));
        assertEq(market.unbondingSeconds(), UNBONDING);
    }

    // ------------------------------------------------------------------------------------------------- deposit

    function test_RevertWhen_depositIsZero() public {
        vm.expectRevert(ISteelyard.ZeroValue.selector);
        vm.prank(owner);
        market.deposit(address(token), 0);
    }

    function test_RevertWhen_tokenIsNoContract() public {
        revertsInvalid("token", uint160(stranger));
        vm.prank(owner);
        market.deposit(stranger, 1);
    }

    function testFuzz_depositAddsToFreeStake(uint128 first, uint128 second) public {
        first = uint128(bound(first, 1, FUNDS / 2));
        second = uint128(bound(second, 1, FUNDS / 2));
        vm.startPrank(owner);
        market.deposit(address(token), first);
        vm.expectEmit(address(market));
        emit ISteelyard.StakeDeposited(owner, address(token), second);
        market.deposit(address(token), second);
        vm.stopPrank();
        assertStake(owner, first + second, 0, 0, 0);
        assertEq(token.balanceOf(owner), 21 * FUNDS - uint256(first) - second);
    }

    function test_depositWithPermitNeedsNoAllowance() public {
        (address signer, Permit memory permit) = signPermit(5e6);
        vm.prank(signer);
        market.depositWithPermit(address(token), 5e6, permit);
        assertStake(signer, 5e6, 0, 0, 0);
        assertEq(token.allowance(signer, address(market)), 0);
    }

    function test_depositWithPermitSurvivesAFrontRunPermit() public {
        (address signer, Permit memory permit) = signPermit(5e6);
        vm.prank(stranger);
        token.permit(signer, address(market), 5e6, permit.deadline, permit.v, permit.r, permit.s);
        vm.prank(signer);
        market.depositWithPermit(address(token), 5e6, permit);
        assertStake(signer, 5e6, 0, 0, 0);
    }

    function test_RevertWhen_permitIsForAnotherAmount() public {
        (address signer, Permit memory permit) = signPermit(5e6);
        vm.expectRevert();
        vm.prank(signer);
        market.depositWithPermit(address(token), 5e6 + 1, permit);
    }

    function test_RevertWhen_permitIsUsedBySomebodyElse() public {
        (, Permit memory permit) = signPermit(5e6);
        vm.expectRevert();
        vm.prank(stranger);
        market.depositWithPermit(address(token), 5e6, permit);
    }

    // ------------------------------------------------------------------------------------------------- unbond, withdraw

    function test_RevertWhen_unbondIsZero() public {
        vm.expectRevert(ISteelyard.ZeroValue.selector);
        market.unbond(address(token), 0);
    }

    function test_RevertWhen_unbondExceedsFreeStake() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                ISteelyard.InsufficientStake.selector, trainers[0], address(token), 1000e6, 1000e6 + 1
            )
        );
        vm.prank(trainers[0]);
        market.unbond(address(token), 1000e6 + 1);
    }

    function test_RevertWhen_unbondWouldReachLockedStake() public {
        create();
        enrol(0, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISteelyard.InsufficientStake.selector, trainers[0], address(token), 1000e6 - MIN_STAKE, 1000e6
            )
        );
        vm.prank(trainers[0]);
        market.unbond(address(token), 1000e6);
    }

    function test_unbondRestartsTheDelayOfAll() public {
        vm.startPrank(trainers[0]);
        market.unbond(address(token), 10);
        skip(UNBONDING - 1);
        vm.expectEmit(address(market));
        emit ISteelyard.StakeUnbonding(trainers[0], address(token), 5, block.timestamp + UNBONDING);
        market.unbond(address(token), 5);
        assertStake(trainers[0], 1000e6 - 15, 0, 15, block.timestamp + UNBONDING);
        skip(1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISteelyard.StillUnbonding.selector, trainers[0], address(token), block.timestamp + UNBONDING - 1
            )
        );
        market.withdraw(address(token), trainers[0]);
    }

    function test_RevertWhen_withdrawIsASecondEarly() public {
        vm.startPrank(trainers[0]);
        market.unbond(address(token), 10);
        uint256 availableAt = block.timestamp + UNBONDING;
        vm.warp(availableAt - 1);
        vm.expectRevert(
            abi.encodeWithSelector(ISteelyard.StillUnbonding.selector, trainers[0], address(token), availableAt)
        );
        market.withdraw(address(token), stranger);
        vm.warp(availableAt);
        vm.expectEmit(address(market));
        emit ISteelyard.StakeWithdrawn(trainers[0], address(token), 10, stranger);
        market.withdraw(address(token), stranger);
        assertEq(token.balanceOf(stranger), 10);
        assertStake(trainers[0], 1000e6 - 10, 0, 0, 0);
    }

    function test_RevertWhen_nothingIsUnbonding() public {
        vm.expectRevert(
            abi.encodeWithSelector(ISteelyard.InsufficientStake.selector, trainers[0], address(token), 0, 1)
        );
        vm.prank(trainers[0]);
        market.withdraw(address(token), trainers[0]);
    }

    function test_RevertWhen_withdrawGoesToNobody() public {
        vm.startPrank(trainers[0]);
        market.unbond(address(token), 10);
        skip(UNBONDING);
        vm.expectRevert(ISteelyard.ZeroValue.selector);
        market.withdraw(address(token), address(0));
    }

    // ------------------------------------------------------------------------------------------------- keys

    function test_RevertWhen_keyIsZero() public {
        vm.expectRevert(ISteelyard.ZeroValue.selector);
        market.registerKey(0);
    }

    function test_registerKeyReplacesTheKey() public {
        vm.startPrank(trainers[0]);
        vm.expectEmit(address(market));
        emit ISteelyard.KeyRegistered(trainers[0], "new");
        market.registerKey("new");
        assertEq(market.keyOf(trainers[0]), "new");
        assertEq(market.keyOf(stranger), 0);
    }

    function test_RevertWhen_hybridKeyIsZero() public {
        vm.expectRevert(ISteelyard.ZeroValue.selector);
        market.registerHybridKey(0);
    }

    function test_registerHybridKeyReplacesTheDigestAndLeavesTheKey() public {
        bytes32 key = market.keyOf(trainers[0]);
        vm.startPrank(trainers[0]);
        market.registerHybridKey("old");
        vm.expectEmit(address(market));
        emit ISteelyard.HybridKeyRegistered(trainers[0], "new");
        market.registerHybridKey("new");
        assertEq(market.hybridKeyOf(trainers[0]), "new");
        assertEq(market.hybridKeyOf(stranger), 0);
        assertEq(market.keyOf(trainers[0]), key);
    }

    // ------------------------------------------------------------------------------------------------- offers

    function test_RevertWhen_anAggregatorHasNoKey() public {
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.KeyMissing.selector, stranger));
        vm.prank(stranger);
        market.registerAggregator(address(token), defaultTerms());
    }

    function test_RevertWhen_anAggregatorRegistersTwice() public {
        offer(alice);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.AggregatorRegistration.selector, alice, address(token), true));
        vm.prank(alice);
        market.registerAggregator(address(token), defaultTerms());
    }

    function test_RevertWhen_anAggregatorWasNotRegistered() public {
        vm.expectRevert(
            abi.encodeWithSelector(ISteelyard.AggregatorRegistration.selector, alice, address(token), false)
        );
        vm.prank(alice);
        market.unregisterAggregator(address(token));
    }

    function test_registerAggregatorListsTheOffer() public {
        prepare(trainers[0], 1);
        vm.expectEmit(address(market));
        emit ISteelyard.AggregatorRegistered(trainers[0], address(token), defaultTerms());
        vm.prank(trainers[0]);
        market.registerAggregator(address(token), defaultTerms());
        (bool registered, AggregatorTerms memory terms) = market.aggregatorTermsOf(trainers[0], address(token));
        assertTrue(registered);
        assertEq(abi.encode(terms), abi.encode(defaultTerms()));
        assertEq(market.aggregatorsOf(address(token)).length, 1);
        assertEq(market.aggregatorsOf(address(0xbeef)).length, 0);
    }

    /// @notice The list stays a set, with every place right, whoever leaves in whatever order.
    function testFuzz_offersComeAndGo(uint256 moves) public {
        bool[8] memory listed;
        uint256 expected;
        for (uint256 i; i < 24; ++i) {
            uint256 who = (moves >> (3 * i)) % 8;
            vm.prank(trainers[who]);
            if (listed[who]) market.unregisterAggregator(address(token));
            else market.registerAggregator(address(token), defaultTerms());
            listed[who] = !listed[who];
            expected = listed[who] ? expected + 1 : expected - 1;
        }
        address[] memory list = market.aggregatorsOf(address(token));
        assertEq(list.length, expected);
        for (uint256 i; i < 8; ++i) {
            uint256 found;
            for (uint256 j; j < list.length; ++j) {
                if (list[j] == trainers[i]) ++found;
            }
            assertEq(found, listed[i] ? 1 : 0);
            (bool registered,) = market.aggregatorTermsOf(trainers[i], address(token));
            assertEq(registered, listed[i]);
        }
    }

    // ------------------------------------------------------------------------------------------------- helpers

    function assertStake(address account, uint256 free, uint256 locked, uint256 unbonding, uint256 availableAt)
        private
        view
    {
        Stake memory stake = stakeOf(account);
        assertEq(stake.free, free, "free");
        assertEq(stake.locked, locked, "locked");
        assertEq(stake.unbonding, unbonding, "unbonding");
        assertEq(stake.availableAt, availableAt, "availableAt");
    }

    function signPermit(uint256 amount) private returns (address signer, Permit memory permit) {
        uint256 secret;
        (signer, secret) = makeAddrAndKey("signer");
        token.mint(signer, 100e6);
        permit.deadline = block.timestamp + 1;
        bytes32 content = keccak256(
            abi.encode(PERMIT_TYPEHASH, signer, address(market), amount, token.nonces(signer), permit.deadline)
        );
        (permit.v, permit.r, permit.s) =
            vm.sign(secret, keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), content)));
    }
}
