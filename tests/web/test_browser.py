"""The page in a real browser: a project is created, funded, joined, run, verified and paid out, all through the page.

The browser is driven by `web/tests/browser/journey.mjs`, whose injected wallet signs with the devnet's keys. Node,
contracts, backend, indexer, keeper, aggregator and trainers are the real ones, each a process of its own.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from scripts.up import OWNER, Stack, start_stack
from steelyard.chain.client import Marketplace
from steelyard.chain.devnet import dev_account
from steelyard.chain.records import ProjectStatus
from steelyard.chain.token import Token
from steelyard.keystore import read_public
from steelyard.types import Address, ProjectId
from tests.web.chromium import find_chromium
from tests.web.driver import start_driver

pytestmark = [pytest.mark.chain, pytest.mark.xdist_group("browser")]

TRAINERS: Final = ("ada", "ben", "cleo")
UNIT: Final = 10**18
BUDGET: Final = 1_000 * UNIT
STAKE: Final = 50 * UNIT
MINE_SECONDS: Final = 0.5
END_SECONDS: Final = 300
"""How long a project of one round may take on a busy machine before it counts as stuck."""


@contextmanager
def ticking(stack: Stack) -> Iterator[None]:
    """Mines a block now and then, so that the chain's clock moves as it does anywhere else."""
    done = threading.Event()

    def tick() -> None:
        while not done.wait(MINE_SECONDS):
            stack.devnet.mine()

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def start_trainer(stack: Stack, project: str, shard: int) -> None:
    name, data = TRAINERS[shard], f"digits:?shard={shard}/{len(TRAINERS)}"
    arguments = ["scripts.cli", "trainer", "run", project, "--data", data, "--poll-seconds", "0.2"]
    stack.processes.start(name, arguments, stack.environment(name) | {"OMP_NUM_THREADS": "1"})


def await_end(stack: Stack, project: str) -> None:
    """Waits until the backend has read that the project has ended: the last round is final, and the pool is split."""
    deadline = time.monotonic() + END_SECONDS
    while httpx.get(f"{stack.backend_url}/v1/projects/{project}", timeout=10).json()["state"] != "completed":
        stack.processes.check()
        assert time.monotonic() < deadline, f"the project does not end; see {stack.paths.logs}"
        time.sleep(0.2)


def test_a_project_lives_its_whole_life_through_the_page(tmp_path: Path) -> None:
    executable = find_chromium()
    with start_stack(tmp_path, 0, 0, ipfs=False) as stack, ticking(stack):
        market = Marketplace(stack.devnet.web3, stack.deployment.marketplace)
        assert stack.deployment.token is not None
        token = Token(stack.devnet.web3, stack.deployment.token)
        accounts = {name: dev_account(index) for name, index in zip((OWNER, *TRAINERS), (0, 3, 4, 5), strict=True)}
        views = {name: read_public(stack.paths.keystore(name)) for name in accounts}
        addresses = {name: Address(account.address) for name, account in accounts.items()}
        assert {name: view.address for name, view in views.items()} == addresses
        facts: dict[str, object] = {
            "origin": stack.backend_url,
            "rpcUrl": stack.devnet.url,
            "executable": executable,
            "keys": {name: "0x" + bytes(account.key).hex() for name, account in accounts.items()},
            "publicKeys": {name: "0x" + view.public_key for name, view in views.items()},
        }

        def get_balance(name: str) -> int:
            return token.get_balance(addresses[name])

        before = {name: get_balance(name) for name in accounts}
        with start_driver("journey.mjs", facts) as driver:
            created = driver.hear("created")
            project = ProjectId(bytes.fromhex(created["project"][2:]))
            params = market.get_project(project).params
            assert (params.owner, params.budget, params.rounds) == (addresses[OWNER], BUDGET, 1)
            assert (params.submit_seconds, params.attest_seconds) == (600, 600)
            assert before[OWNER] - get_balance(OWNER) == BUDGET
            assert (created["kept"], len(created["refusals"])) == ("Digits by browser", 2)
            assert all("You rejected it in your wallet" in text for text in created["refusals"])
            assert "no duration" in created["fault"]
            assert created["idle"] == "Nothing waits to be recorded: no deadline has passed."
            assert created["titles"][-1] == "Create a project and pay 1,000 SYT into its escrow"
            assert created["asked"].count("eth_sendTransaction") == 1  # a permit, and no approval
            driver.say()

            for shard, name in enumerate(TRAINERS):
                enrolled = driver.hear("enrolled")
                assert enrolled["name"] == name
                assert enrolled["asked"] == [
                    *("eth_sendTransaction", "eth_signTypedData_v4", "eth_sendTransaction", "eth_sendTransaction")
                ]
                assert before[name] - get_balance(name) == STAKE
                start_trainer(stack, created["project"], shard)
                driver.say()
            assert {member.account for member in market.get_members(project)} == {addresses[name] for name in TRAINERS}

            driver.hear("started")
            await_end(stack, created["project"])
            shares = {name: market.get_credit(addresses[name], params.token) for name in accounts}
            driver.say()

            check_verification(driver.hear("verified"), market, project)
            driver.say()

            assert driver.hear("claimed")["name"] == "ada"
            assert get_balance("ada") == before["ada"] - STAKE + shares["ada"]
            assert market.get_credit(addresses["ada"], params.token) == 0
            driver.say()

            cancelled = driver.hear("cancelled")
            status = market.get_project(ProjectId(bytes.fromhex(cancelled["project"][2:]))).status
            assert status is ProjectStatus.CANCELLED
            assert get_balance(OWNER) == before[OWNER] - 2 * BUDGET
            driver.say()

            assert driver.hear("claimed")["name"] == OWNER
            assert get_balance(OWNER) == before[OWNER] - BUDGET + shares[OWNER]
            driver.say()

            finished = driver.hear("finished")
            assert finished["origins"] == [stack.backend_url]
            assert [message for message in finished["messages"] if not is_expected(message)] == []


def is_expected(message: str) -> bool:
    """The browser notes failed requests: of a specification that storage has not given yet, and of an idle poke."""
    return any(
        f"the server responded with a status of {status}" in message and message.endswith(end)
        for status, end in ((404, "/spec)"), (422, "/v1/transactions)"))
    )


def check_verification(verified: Any, market: Marketplace, project: ProjectId) -> None:
    """What the page computed is what the chain says, and a lie of the backend about a share stands out."""
    honest, lied, alone = verified["honest"], verified["lied"], verified["alone"]
    assert honest["sources"][2:] == ["this server's pages", "evidence bundle", "chain, by your node"]
    assert (honest["unequal"], honest["wrong"], honest["lines"]) == (0, [], 7 + 6 * len(TRAINERS))
    assert honest["proof"] == lied["proof"] == alone["proof"] == "holds"
    assert (alone["unequal"], alone["sources"]) == (
        0,
        honest["sources"][:-1],
    )  # without a wallet, nobody asks the chain
    members = {member.account: member.earned for member in market.get_members(project)}
    assert sorted(map(int, honest["shares"])) == sorted(members.values())
    for share in members.values():
        assert f"{share // UNIT}.{share // 10**12 % 10**6:06}".rstrip("0") in verified["text"]
    assert (lied["unequal"], lied["wrong"]) == (1, [["share", "1"]])
    assert sorted(lied["shares"]) == sorted(honest["shares"])
