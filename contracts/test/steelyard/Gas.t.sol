// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Exclusion, ProjectParams, RoundStatus, Settlement} from "../../src/interfaces/ISteelyard.sol";
import {Base} from "./Base.t.sol";

/// @notice Gas of whole transactions: each call its own, from a cold start, calldata and the 21,000 included.
/// @dev The figures are committed in contracts/snapshots/Steelyard.json; FORGE_SNAPSHOT_CHECK=true fails on a change.
/// Settlements here have the scripted verifier and rule: the figure is the marketplace's own part.
/// forge-config: default.isolate = true
contract GasTest is Base {
    uint256 private constant TRANSACTION_LIMIT = 16_777_216;

    function test_gasOfSubmitting() public {
        run(7);
        submit(0);
        record("submit (first of an attempt)", 80_000);
        submit(1);
        record("submit", 80_000);
        submit(2, 7);
        record("submit (last of an attempt)", 80_000);
    }

    function test_gasOfClaiming() public {
        run(7);
        finish(same(7, 1), 0);
        vm.prank(trainers[0]);
        market.claim(address(token), trainers[0]);
        record("claim", 60_000);
        vm.prank(trainers[1]);
        market.claim(address(token), address(0xfee1));
        record("claim (to a new holder)", 60_000);
    }

    function test_gasOfSettling7() public {
        settles(7, "settle 7 (scripted)", 350_000);
    }

    function test_gasOfSettling16() public {
        settles(16, "settle 16 (scripted)", 750_000);
    }

    function test_gasOfSettling32() public {
        settles(32, "settle 32 (scripted)", 1_500_000);
    }

    function test_gasOfTheRest() public {
        offer(alice);
        create();
        record("createProject", 450_000);
        enrol(0, 1);
        record("enrol", 200_000);
        enrol(1, 4);
        vm.prank(owner);
        market.start(id);
        record("start", 300_000);
        submit(0, 4);
        settle(same(4, 1), 0);
        attest(0, true);
        record("attest", 80_000);
    }

    /// @notice The heaviest pokes stay far below what a transaction may cost, so nobody's place in line can block one.
    function test_gasOfPokingThirtyTwo() public {
        run(32, largest());
        finish(same(32, 1), 0);
        record("poke 32 (final, next attempt)", TRANSACTION_LIMIT / 2);
        finish(same(32, 1), 0);
        submit(0, 32);
        settle(range(1, 33), type(uint32).max);
        vm.warp(market.getRound(id).attestDeadline);
        poke();
        record("poke 32 (final, all struck, project ends)", TRANSACTION_LIMIT / 2);
    }

    // ------------------------------------------------------------------------------------------------- helpers

    function settles(uint256 n, string memory name, uint256 limit) private {
        run(n, largest());
        submit(0, n);
        if (statusOf() == RoundStatus.Collecting) vm.warp(market.getRound(id).submitDeadline);
        settle(range(1, n + 1), 0);
        record(name, limit);
        vm.warp(market.getRound(id).attestDeadline);
        poke();
        submit(0, n);
        if (statusOf() == RoundStatus.Collecting) vm.warp(market.getRound(id).submitDeadline);
        settle(range(1, n + 1), 0);
        record(string.concat(name, ", later rounds"), limit);
    }

    function largest() private view returns (ProjectParams memory params) {
        params = defaultParams();
        params.maxTrainers = 32;
        params.maxStrikes = 1;
    }

    function record(string memory name, uint256 limit) private {
        assertLe(vm.snapshotGasLastCall("Steelyard", name), limit, name);
    }
}
