// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGramVerifier} from "../../src/interfaces/IGramVerifier.sol";
import {
    AggregatorTerms,
    CreditKind,
    ISteelyard,
    LeaveReason,
    Member,
    Permit,
    Project,
    ProjectId,
    ProjectParams,
    ProjectStatus,
    Round,
    RoundStatus
} from "../../src/interfaces/ISteelyard.sol";
import {IWeighingRule} from "../../src/interfaces/IWeighingRule.sol";
import {Base} from "./Base.t.sol";

/// @notice From creation to the first round: create, cancel, enrol, leave, start, and who is drawn.
contract ProjectsTest is Base {
    // ------------------------------------------------------------------------------------------------- create

    function test_createEscrowsTheBudget() public {
        ProjectParams memory params = defaultParams();
        ProjectId expected = market.computeProjectId(params, 0);
        assertEq(ProjectId.unwrap(expected), keccak256(abi.encode(block.chainid, address(market), uint256(0), params)));
        uint256 before = token.balanceOf(address(market));
        vm.expectEmit(address(market));
        emit ISteelyard.ProjectCreated(expected, owner, 0, block.timestamp + 1 days, params, false);
        id = create(params);
        assertEq(ProjectId.unwrap(id), ProjectId.unwrap(expected));
        assertEq(token.balanceOf(address(market)) - before, BUDGET);
        assertEq(market.nonceOf(owner), 1);
        assertStatus(ProjectStatus.Enrolling);
        assertStatus(RoundStatus.None);
        Project memory project = market.getProject(id);
        assertEq(abi.encode(project.params), abi.encode(params));
        assertEq(project.enrolDeadline, block.timestamp + 1 days);
        assertEq(market.getMembers(id).length, 0);
    }

    function test_sameParametersTwiceAreTwoProjects() public {
        ProjectId first = create(defaultParams());
        ProjectId second = create(defaultParams());
        assertNotEq(ProjectId.unwrap(first), ProjectId.unwrap(second));
    }

    function test_createWithPermit() public {
        (address signer, uint256 secret) = makeAddrAndKey("signer");
        token.mint(signer, BUDGET);
        ProjectParams memory params = defaultParams();
        params.owner = signer;
        Permit memory permit;
        permit.deadline = block.timestamp;
        bytes32 typehash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 content =
            keccak256(abi.encode(typehash, signer, address(market), uint256(BUDGET), uint256(0), permit.deadline));
        (permit.v, permit.r, permit.s) =
            vm.sign(secret, keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), content)));
        vm.prank(signer);
        id = market.createProjectWithPermit(params, permit);
        assertStatus(ProjectStatus.Enrolling);
        assertEq(token.balanceOf(signer), 0);
    }

    function test_RevertWhen_creatorIsNotTheOwner() public {
        ProjectParams memory params = defaultParams();
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NotAuthorized.selector, stranger, owner));
        vm.prank(stranger);
        market.createProject(params);
    }

    function test_RevertWhen_verifierOrRuleIsNotOffered() public {
        ProjectParams memory params = defaultParams();
        params.verifier = IGramVerifier(stranger);
        refuses(params, abi.encodeWithSelector(ISteelyard.NotOffered.selector, stranger));
        params = defaultParams();
        params.rule = IWeighingRule(stranger);
        refuses(params, abi.encodeWithSelector(ISteelyard.NotOffered.selector, stranger));
    }

    /// @notice A verifier in the rule's place would fail every settlement, and cost the aggregator its stake.
    function test_RevertWhen_verifierAndRuleAreSwapped() public {
        ProjectParams memory params = defaultParams();
        params.rule = IWeighingRule(address(verifier));
        refuses(params, abi.encodeWithSelector(ISteelyard.NotOffered.selector, verifier));
        params = defaultParams();
        params.verifier = IGramVerifier(address(rule));
        refuses(params, abi.encodeWithSelector(ISteelyard.NotOffered.selector, rule));
    }

    function test_RevertWhen_specCidIsInvalid() public {
        ProjectParams memory params = defaultParams();
        params.specCid.codec = 0x71;
        refuses(params, abi.encodeWithSelector(ISteelyard.InvalidCid.selector, params.specCid.digest, 0x71));
        params.specCid.codec = 0x70;
        create(params);
        params.specCid.digest = 0;
        refuses(params, abi.encodeWithSelector(ISteelyard.InvalidCid.selector, 0, 0x70));
    }

    function test_RevertWhen_aParameterIsOutOfBounds() public {
        refusesWord(3, "rounds", 0);
        refusesWord(2, "budget", ROUNDS - 1);
        refusesWord(2, "budget", 0);
        refusesWord(5, "maxTrainers", 33);
        refusesWord(5, "maxTrainers", 2);
        refusesWord(4, "minTrainers", 2);
        refusesWord(4, "minTrainers", 8);
        refusesWord(6, "minReputationBps", 10_001);
        refusesWord(7, "byzantineBps", 5001);
        refusesWord(9, "aggregatorFeeBps", 10_001);
        refusesWord(10, "slashBps", 10_001);
        refusesWord(11, "maxStrikes", 0);
        refusesWord(12, "maxAbsences", 0);
        refusesWord(14, "aggregatorSlashBps", 10_001);
        string[4] memory phases = ["enrolSeconds", "submitSeconds", "settleSeconds", "attestSeconds"];
        for (uint256 i; i < 4; ++i) {
            refusesWord(15 + i, bytes32(bytes(phases[i])), 29);
            refusesWord(15 + i, bytes32(bytes(phases[i])), 30 days + 1);
        }
        refusesWord(19, "dimension", 0);
    }

    function test_boundsThemselvesAreAllowed() public {
        uint256[2][16] memory words = [
            [uint256(3), 65_535],
            [uint256(2), ROUNDS],
            [uint256(5), 32],
            [uint256(5), 3],
            [uint256(4), 7],
            [uint256(6), 10_000],
            [uint256(7), 5000],
            [uint256(9), 10_000],
            [uint256(10), 10_000],
            [uint256(11), 255],
            [uint256(12), 255],
            [uint256(14), 10_000],
            [uint256(15), 30],
            [uint256(16), 30 days],
            [uint256(8), 0],
            [uint256(13), 0]
        ];
        for (uint256 i; i < words.length; ++i) {
            create(withWord(words[i][0], words[i][1]));
        }
    }

    function test_RevertWhen_thereAreTooManyCommitments() public {
        ProjectParams memory params = defaultParams();
        params.maxTrainers = 32;
        params.dimension = 32 * 4088;
        create(params);
        params.dimension += 1;
        refuses(params, abi.encodeWithSelector(ISteelyard.InvalidParameter.selector, bytes32("commitments"), 32 * 33));
    }

    function test_RevertWhen_budgetIsNotAllowed() public {
        vm.prank(owner);
        token.approve(address(market), BUDGET - 1);
        ProjectParams memory params = defaultParams();
        vm.expectRevert();
        vm.prank(owner);
        market.createProject(params);
    }

    // ------------------------------------------------------------------------------------------------- cancel

    function test_RevertWhen_cancelComesFromAnotherThanTheOwner() public {
        create();
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NotAuthorized.selector, stranger, owner));
        vm.prank(stranger);
        market.cancel(id);
    }

    function test_cancelFreesEverything() public {
        create();
        enrol(0, 7);
        vm.expectEmit(address(market));
        emit ISteelyard.Credited(id, owner, address(token), BUDGET, CreditKind.Refund);
        vm.expectEmit(address(market));
        emit ISteelyard.ProjectEnded(id, ProjectStatus.Cancelled, BUDGET, 0);
        vm.prank(owner);
        market.cancel(id);
        assertStatus(ProjectStatus.Cancelled);
        assertStatus(RoundStatus.None);
        assertEq(creditOf(owner), BUDGET);
        for (uint256 i; i < 7; ++i) {
            assertEq(stakeOf(trainers[i]).locked, 0);
            assertEq(stakeOf(trainers[i]).free, 1000e6);
        }
    }

    // ------------------------------------------------------------------------------------------------- enrol

    function test_enrolLocksTheStake() public {
        create();
        vm.expectEmit(address(market));
        emit ISteelyard.TrainerEnrolled(id, trainers[0], 0);
        vm.expectEmit(address(market));
        emit ISteelyard.StakeLocked(id, trainers[0], MIN_STAKE);
        enrol(0, 1);
        enrol(1, 2);
        assertEq(stakeOf(trainers[0]).locked, MIN_STAKE);
        assertEq(stakeOf(trainers[0]).free, 1000e6 - MIN_STAKE);
        assertEq(market.slotOf(id, trainers[1]), 1);
        Member[] memory members = market.getMembers(id);
        assertEq(members.length, 2);
        assertEq(members[1].account, trainers[1]);
        assertTrue(members[1].active);
        assertEq(market.getProject(id).active, 3);
    }

    function test_RevertWhen_enrollingTwice() public {
        create();
        enrol(0, 1);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.AlreadyEnrolled.selector, id, trainers[0]));
        enrol(0, 1);
    }

    function test_RevertWhen_projectIsFull() public {
        create();
        enrol(0, 7);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.ProjectFull.selector, id, 7));
        enrol(7, 8);
    }

    function test_allThirtyTwoPlacesCanBeTaken() public {
        ProjectParams memory params = defaultParams();
        params.maxTrainers = 32;
        id = create(params);
        enrol(0, 32);
        assertEq(market.getProject(id).active, type(uint32).max);
        prepareStranger();
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.ProjectFull.selector, id, 32));
        vm.prank(stranger);
        market.enrol(id);
    }

    function test_RevertWhen_enrolmentHasEnded() public {
        create();
        uint256 deadline = market.getProject(id).enrolDeadline;
        vm.warp(deadline - 1);
        enrol(0, 1);
        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.EnrolmentClosed.selector, id, deadline));
        enrol(1, 2);
    }

    function test_RevertWhen_trainerHasNoKey() public {
        create();
        fund(stranger);
        vm.startPrank(stranger);
        market.deposit(address(token), MIN_STAKE);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.KeyMissing.selector, stranger));
        market.enrol(id);
        market.registerKey("key");
        market.enrol(id);
    }

    function test_RevertWhen_stakeIsShort() public {
        create();
        fund(stranger);
        prepare(stranger, MIN_STAKE - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISteelyard.InsufficientStake.selector, stranger, address(token), MIN_STAKE - 1, MIN_STAKE
            )
        );
        vm.prank(stranger);
        market.enrol(id);
    }

    function test_RevertWhen_reputationIsTooLow() public {
        ProjectParams memory params = defaultParams();
        params.minReputationBps = 5001;
        id = create(params);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.ReputationTooLow.selector, trainers[0], 5000, 5001));
        enrol(0, 1);
        params.minReputationBps = 5000;
        id = create(params);
        enrol(0, 1);
    }

    // ------------------------------------------------------------------------------------------------- leave

    function test_leavingBeforeTheStartFreesStakeAndSlot() public {
        create();
        enrol(0, 3);
        vm.expectEmit(address(market));
        emit ISteelyard.TrainerLeft(id, trainers[1], LeaveReason.Left);
        vm.prank(trainers[1]);
        market.leave(id);
        assertEq(stakeOf(trainers[1]).locked, 0);
        assertEq(market.getMembers(id).length, 3);
        assertEq(market.getMembers(id)[1].account, address(0));
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NotEnrolled.selector, id, trainers[1]));
        market.slotOf(id, trainers[1]);
        enrol(5, 6);
        assertEq(market.slotOf(id, trainers[5]), 1);
        enrol(1, 2);
        assertEq(market.slotOf(id, trainers[1]), 3);
    }

    function test_RevertWhen_leavingWithoutBeingThere() public {
        create();
        enrol(0, 3);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NotEnrolled.selector, id, trainers[3]));
        vm.prank(trainers[3]);
        market.leave(id);
    }

    function test_leavingARunningProjectWaitsForTheAttempt() public {
        run(4);
        vm.expectEmit(address(market));
        emit ISteelyard.TrainerLeaving(id, trainers[3]);
        vm.prank(trainers[3]);
        market.leave(id);
        assertEq(market.getProject(id).leaving, 8);
        assertEq(stakeOf(trainers[3]).locked, MIN_STAKE);
        finish(same(4, 1), 0);
        assertEq(market.getProject(id).active, 7);
        assertEq(market.getProject(id).leaving, 0);
        assertEq(stakeOf(trainers[3]).locked, 0);
        assertGt(creditOf(trainers[3]), 0);
        assertFalse(market.getMembers(id)[3].active);
        assertEq(market.getMembers(id)[3].account, trainers[3]);
        refusesSubmit(3, abi.encodeWithSelector(ISteelyard.NotEnrolled.selector, id, trainers[3]));
    }

    // ------------------------------------------------------------------------------------------------- start

    function test_ownerStartsWithTheMinimum() public {
        offer(alice);
        create();
        enrol(0, 2);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.TooFewTrainers.selector, id, 2, 3));
        vm.prank(owner);
        market.start(id);
        enrol(2, 3);
        vm.expectEmit(address(market));
        emit ISteelyard.ProjectStarted(id, 3);
        vm.expectEmit(address(market));
        emit ISteelyard.StakeLocked(id, alice, AGGREGATOR_STAKE);
        vm.expectEmit(address(market));
        emit ISteelyard.RoundOpened(id, 0, 1, alice, block.timestamp + 1 hours, block.timestamp + 3 hours);
        vm.prank(owner);
        market.start(id);
        assertStatus(ProjectStatus.Running);
        Round memory round = market.getRound(id);
        assertEq(round.attempt, 1);
        assertEq(round.index, 0);
        assertEq(round.aggregator, alice);
        assertStatus(RoundStatus.Collecting);
        assertEq(stakeOf(alice).locked, AGGREGATOR_STAKE);
    }

    function test_anybodyStartsAFullProject() public {
        offer(alice);
        create();
        enrol(0, 6);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NotAuthorized.selector, stranger, owner));
        vm.prank(stranger);
        market.start(id);
        enrol(6, 7);
        vm.prank(stranger);
        market.start(id);
        assertStatus(ProjectStatus.Running);
    }

    function test_anybodyStartsOnceEnrolmentHasEnded() public {
        offer(alice);
        create();
        enrol(0, 3);
        vm.warp(market.getProject(id).enrolDeadline - 1);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NotAuthorized.selector, stranger, owner));
        vm.prank(stranger);
        market.start(id);
        skip(1);
        vm.prank(stranger);
        market.start(id);
        assertStatus(ProjectStatus.Running);
    }

    function test_RevertWhen_nobodyCanBeDrawn() public {
        create();
        enrol(0, 3);
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NoAggregator.selector, id));
        vm.prank(owner);
        market.start(id);
    }

    // ------------------------------------------------------------------------------------------------- draw

    function test_preferredAggregatorIsNeverDrawnAgainst() public {
        offer(alice);
        offer(bob);
        for (uint256 seed; seed < 16; ++seed) {
            vm.prevrandao(bytes32(seed));
            ProjectParams memory params = smallStakes();
            params.aggregator = bob;
            startWith(params);
            assertEq(market.getRound(id).aggregator, bob);
        }
    }

    function test_aPreferredAggregatorThatIsNotEligibleIsPassedOver() public {
        offer(alice);
        ProjectParams memory params = defaultParams();
        params.aggregator = bob;
        startWith(params);
        assertEq(market.getRound(id).aggregator, alice);
    }

    /// @notice Each term, the stake and membership exclude an aggregator, each at its exact bound.
    function test_drawRespectsTerms() public {
        fund(alice);
        prepare(alice, AGGREGATOR_STAKE);
        AggregatorTerms memory fitting = AggregatorTerms({
            maxStake: AGGREGATOR_STAKE, maxDimension: 2410, minSettleSeconds: 2 hours, minFeeBps: 500
        });
        AggregatorTerms[4] memory misfits = [fitting, fitting, fitting, fitting];
        misfits[0] = AggregatorTerms(AGGREGATOR_STAKE - 1, 2410, 2 hours, 500);
        misfits[1] = AggregatorTerms(AGGREGATOR_STAKE, 2409, 2 hours, 500);
        misfits[2] = AggregatorTerms(AGGREGATOR_STAKE, 2410, 2 hours + 1, 500);
        misfits[3] = AggregatorTerms(AGGREGATOR_STAKE, 2410, 2 hours, 501);
        create();
        enrol(0, 3);
        for (uint256 i; i < 4; ++i) {
            offers(alice, misfits[i]);
            refusesStart();
            vm.prank(alice);
            market.unregisterAggregator(address(token));
        }
        offers(alice, fitting);
        vm.prank(alice);
        market.unbond(address(token), 1);
        refusesStart();
        prepare(alice, 1);
        vm.prank(owner);
        market.start(id);
        assertEq(stakeOf(alice).free, 0);
    }

    function test_aMemberIsNotDrawn() public {
        create();
        enrol(0, 3);
        offers(trainers[2], defaultTerms());
        refusesStart();
        offers(trainers[3], defaultTerms());
        vm.prank(owner);
        market.start(id);
        assertEq(market.getRound(id).aggregator, trainers[3]);
    }

    /// @notice Padding before an eligible offer changes nothing: of 32 offers each eligible one is equally likely.
    function test_drawIsEvenAmongEligibleOffers() public {
        AggregatorTerms memory impossible = defaultTerms();
        impossible.minFeeBps = 10_000;
        for (uint256 i = 7; i < 29; ++i) {
            offers(trainers[i], impossible);
        }
        offers(trainers[29], defaultTerms());
        offers(trainers[30], defaultTerms());
        uint256 second;
        for (uint256 i; i < 64; ++i) {
            vm.prevrandao(keccak256(abi.encode(i)));
            startWith(smallStakes());
            address drawn = market.getRound(id).aggregator;
            assertTrue(drawn == trainers[29] || drawn == trainers[30]);
            if (drawn == trainers[30]) ++second;
        }
        // 64 fair tosses leave 16 … 48 about once in 30,000 seeds; this seed is fixed.
        assertGe(second, 16);
        assertLe(second, 48);
    }

    /// @notice A list of any length costs a bounded amount of gas, and may hide the eligible ones: nothing is lost.
    function test_drawIsBoundedInALongList() public {
        AggregatorTerms memory impossible = defaultTerms();
        impossible.minFeeBps = 10_000;
        for (uint256 i; i < 300; ++i) {
            address junk = address(uint160(0x1000 + i));
            vm.prank(junk);
            market.registerKey("junk");
            offers(junk, impossible);
        }
        create();
        enrol(0, 3);
        vm.cool(address(market));
        uint256 before = gasleft();
        refusesStart();
        assertLt(before - gasleft(), 500_000);
        ProjectParams memory params = defaultParams();
        params.aggregator = alice;
        startWithOffer(params);
        assertEq(market.getRound(id).aggregator, alice);
    }

    // ------------------------------------------------------------------------------------------------- helpers

    function refuses(ProjectParams memory params, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(owner);
        market.createProject(params);
    }

    /// @dev The parameters with the ABI word at `index` replaced.
    function withWord(uint256 index, uint256 value) private view returns (ProjectParams memory) {
        bytes memory encoded = abi.encode(defaultParams());
        assembly ("memory-safe") {
            mstore(add(encoded, mul(32, add(index, 1))), value)
        }
        return abi.decode(encoded, (ProjectParams));
    }

    function refusesWord(uint256 index, bytes32 name, uint256 value) private {
        refuses(withWord(index, value), abi.encodeWithSelector(ISteelyard.InvalidParameter.selector, name, value));
    }

    function offers(address account, AggregatorTerms memory terms) private {
        vm.prank(account);
        market.registerAggregator(address(token), terms);
    }

    function refusesStart() private {
        vm.expectRevert(abi.encodeWithSelector(ISteelyard.NoAggregator.selector, id));
        vm.prank(owner);
        market.start(id);
    }

    function startWith(ProjectParams memory params) private {
        id = create(params);
        enrol(0, 3);
        vm.prank(owner);
        market.start(id);
    }

    function startWithOffer(ProjectParams memory params) private {
        offer(alice);
        startWith(params);
    }

    function smallStakes() private view returns (ProjectParams memory params) {
        params = defaultParams();
        (params.minStake, params.aggregatorStake, params.budget) = (1, 1, ROUNDS);
    }

    function prepareStranger() private {
        fund(stranger);
        prepare(stranger, 1000e6);
    }
}
