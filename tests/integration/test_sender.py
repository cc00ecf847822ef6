"""Each call takes effect exactly once, whatever happens to the node, the pool, the price, or the nonce."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account import Account
from eth_utils.address import to_checksum_address
from web3 import HTTPProvider, Web3

from steelyard.chain.artifacts import load_artifact
from steelyard.chain.client import Marketplace
from steelyard.chain.codec import encode_call
from steelyard.chain.deploy import Deployment
from steelyard.chain.devnet import Devnet
from steelyard.chain.reverts import NothingToClaimError, OutOfGasError
from steelyard.chain.rpc import InsufficientFundsError, connect
from steelyard.chain.transactions import GWEI, TRANSACTION_GAS_CAP, Receipt, Sender, SendPolicy
from steelyard.errors import ChainTimeoutError, ChainUnavailableError
from steelyard.types import Address
from tests.market_kit import MarketKit

pytestmark = pytest.mark.chain

RECIPIENT = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
OTHER = Address("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359")
POLICY = SendPolicy(poll_seconds=0.05, resubmit_seconds=0.3, timeout_seconds=60.0)
SOON = 30.0  # seconds


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Devnet]:
    with Devnet(accounts=2, state_file=tmp_path / "state.json") as node:
        yield node


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as executor:
        yield executor


def make_sender(node: Devnet, policy: SendPolicy = POLICY) -> Sender:
    return Sender(connect(node.url), node.account(0), policy)


def balance(node: Devnet, account: Address = RECIPIENT) -> int:
    return int(node.web3.eth.get_balance(account))  # type: ignore[arg-type]


def nonce(node: Devnet) -> int:
    return node.web3.eth.get_transaction_count(node.account(0).address)


def wait_for(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SOON
    while not (value := condition()):
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)
    return value


def pool(node: Devnet) -> list[Any]:
    """Pending transactions of the sender."""
    content = node.request("txpool_content", [])
    return [tx for by_nonce in (*content["pending"].values(), *content["queued"].values()) for tx in by_nonce.values()]


def hold(node: Devnet) -> None:
    """From now on nothing is mined but by `node.mine`."""
    node.request("evm_setAutomine", [False])


def send_foreign(node: Devnet, at: int) -> None:
    """Another program with the same key sends 1 wei to OTHER."""
    signed = node.account(0).sign_transaction(
        {
            "to": to_checksum_address(OTHER),
            "value": 1,
            "nonce": at,
            "gas": 21_000,
            "maxFeePerGas": 100 * GWEI,
            "maxPriorityFeePerGas": 50 * GWEI,
            "chainId": node.web3.eth.chain_id,
        }
    )
    node.web3.eth.send_raw_transaction(signed.raw_transaction)


def send_later(background: ThreadPoolExecutor, sender: Sender, value: int = 5) -> "Future[Receipt]":
    return background.submit(lambda: sender.send(RECIPIENT, b"", value=value))


def test_threads_share_a_sender_without_sharing_a_nonce(node: Devnet, background: ThreadPoolExecutor) -> None:
    sender = make_sender(node)
    receipts = [future.result() for future in [send_later(background, sender) for _ in range(40)]]
    assert len({receipt.tx_hash for receipt in receipts}) == 40
    assert (balance(node), nonce(node)) == (200, 40)


def test_two_programs_with_one_key_get_by(node: Devnet, background: ThreadPoolExecutor) -> None:
    senders = [make_sender(node) for _ in range(4)]
    for future in [send_later(background, senders[i % 4], value=1 + i) for i in range(24)]:
        future.result()
    assert (balance(node), nonce(node)) == (sum(range(1, 25)), 24)


def test_pool_lost_in_a_restart_is_filled_again(node: Devnet, background: ThreadPoolExecutor) -> None:
    hold(node)
    sender = make_sender(node)
    futures = [send_later(background, sender) for _ in range(3)]
    wait_for(lambda: len(pool(node)) == 3)
    node.restart()  # mines at once again, and has an empty pool
    for future in futures:
        future.result()
    assert (balance(node), nonce(node)) == (15, 3)


def test_restarts_during_a_stream_of_transactions_lose_and_double_nothing(
    node: Devnet, background: ThreadPoolExecutor
) -> None:
    sender = make_sender(node)

    def stream() -> None:
        for _ in range(30):
            sender.send(RECIPIENT, b"", value=5)

    futures = [background.submit(stream) for _ in range(3)]
    for _ in range(3):
        time.sleep(0.2)
        node.restart()
    for future in futures:
        future.result()
    assert (balance(node), nonce(node)) == (450, 90)


class LossyProvider(HTTPProvider):
    """Loses requests on the way, loses answers on the way back, and has the node refuse some for being too many."""

    def __init__(self, url: str) -> None:
        super().__init__(url, exception_retry_configuration=None)
        self.random = random.Random(7)

    def make_request(self, method: Any, params: Any) -> Any:
        fate = self.random.random()
        if fate < 0.04:
            raise requests.ConnectionError("the request was lost")
        if fate < 0.08 and method == "eth_getTransactionReceipt":
            return {"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "too many requests"}}
        answer = super().make_request(method, params)
        if fate > 0.94:
            raise requests.ConnectionError("the answer was lost")
        return answer


def test_lost_requests_and_answers_lose_and_double_nothing(node: Devnet, background: ThreadPoolExecutor) -> None:
    lossy = Web3(LossyProvider(node.url))
    sender = Sender(lossy, node.account(0), POLICY)
    for future in [send_later(background, sender, value=1 + i) for i in range(25)]:
        future.result()
    assert (balance(node), nonce(node)) == (sum(range(1, 26)), 25)


def test_node_that_is_down_is_waited_for(node: Devnet, background: ThreadPoolExecutor) -> None:
    sender = make_sender(node)
    node.stop()
    future = send_later(background, sender)
    time.sleep(0.5)
    node.start()
    future.result()
    assert balance(node) == 5


def test_node_that_stays_down_is_reported_in_time(node: Devnet) -> None:
    sender = make_sender(node, SendPolicy(timeout_seconds=1.0))
    node.stop()
    start = time.monotonic()
    with pytest.raises(ChainUnavailableError):
        sender.send(RECIPIENT, b"")
    assert time.monotonic() - start < SOON


def test_dropped_transaction_is_sent_again(node: Devnet, background: ThreadPoolExecutor) -> None:
    hold(node)
    future = send_later(background, make_sender(node))
    (dropped,) = wait_for(lambda: pool(node))
    node.request("anvil_dropTransaction", [dropped["hash"]])
    (again,) = wait_for(lambda: pool(node))
    node.mine()
    assert future.result().tx_hash == again["hash"] == dropped["hash"]
    assert (balance(node), nonce(node)) == (5, 1)


def test_gap_left_by_a_dropped_transaction_is_filled(node: Devnet, background: ThreadPoolExecutor) -> None:
    hold(node)
    sender = make_sender(node)
    futures = [send_later(background, sender) for _ in range(3)]
    first = wait_for(lambda: len(pool(node)) == 3 and min(pool(node), key=lambda tx: int(tx["nonce"], 16)))
    node.request("anvil_dropTransaction", [first["hash"]])
    wait_for(lambda: len(pool(node)) == 3)
    node.mine()
    for future in futures:
        future.result()
    assert (balance(node), nonce(node)) == (15, 3)


def test_nonce_taken_by_another_program_moves_the_call(node: Devnet, background: ThreadPoolExecutor) -> None:
    hold(node)
    future = send_later(background, make_sender(node))
    wait_for(lambda: pool(node))
    send_foreign(node, at=0)  # pays more, and so replaces it
    node.mine()
    wait_for(lambda: pool(node))
    node.mine()
    future.result()
    assert (balance(node), balance(node, OTHER), nonce(node)) == (5, 1, 2)


def test_transaction_that_a_reorganisation_drops_is_sent_again(node: Devnet, background: ThreadPoolExecutor) -> None:
    node.mine(3)
    policy = SendPolicy(poll_seconds=0.05, resubmit_seconds=0.2, timeout_seconds=60.0, confirmations=3)
    future = send_later(background, make_sender(node, policy))
    wait_for(lambda: balance(node) == 5)
    hold(node)
    node.request("anvil_reorg", [2, []])
    assert balance(node) == 0
    wait_for(lambda: pool(node))
    node.mine(3)
    receipt = future.result()
    assert node.web3.eth.block_number - receipt.block_number >= 2
    assert (balance(node), nonce(node)) == (5, 1)


def test_fees_follow_the_market_up_to_the_cap(node: Devnet, background: ThreadPoolExecutor) -> None:
    hold(node)
    future = send_later(background, make_sender(node))
    (cheap,) = wait_for(lambda: pool(node))
    node.request("anvil_setNextBlockBaseFeePerGas", [hex(50 * GWEI)])
    node.mine()
    dear = wait_for(lambda: [tx for tx in pool(node) if tx["hash"] != cheap["hash"]])[0]
    node.mine()
    receipt = future.result()
    assert receipt.tx_hash == dear["hash"]
    assert int(cheap["maxFeePerGas"], 16) < 50 * GWEI < int(dear["maxFeePerGas"], 16) <= POLICY.max_fee_per_gas
    assert (balance(node), nonce(node)) == (5, 1)


def test_cap_is_never_passed(node: Devnet, background: ThreadPoolExecutor) -> None:
    hold(node)
    cap = 4 * GWEI
    policy = SendPolicy(max_fee_per_gas=cap, poll_seconds=0.05, resubmit_seconds=0.2, timeout_seconds=2.0)
    future = send_later(background, make_sender(node, policy))
    wait_for(lambda: pool(node))
    node.request("anvil_setNextBlockBaseFeePerGas", [hex(50 * GWEI)])
    node.mine()
    with pytest.raises(ChainTimeoutError, match="0x"):
        future.result()
    assert all(int(tx["maxFeePerGas"], 16) <= cap for tx in pool(node))
    assert balance(node) == 0


def test_price_that_stands_still_raises_no_fee(node: Devnet, background: ThreadPoolExecutor) -> None:
    hold(node)
    future = send_later(background, make_sender(node))
    (first,) = wait_for(lambda: pool(node))
    time.sleep(4 * POLICY.resubmit_seconds)
    assert [tx["hash"] for tx in pool(node)] == [first["hash"]]
    node.mine()
    future.result()


def test_account_without_ether_is_told_so(node: Devnet) -> None:
    poor = Sender(node.web3, Account.create(), POLICY)
    with pytest.raises(InsufficientFundsError) as caught:
        poor.send(RECIPIENT, b"", value=1)
    assert caught.value.hint


def test_revert_on_chain_is_explained_and_has_its_transaction(kit: MarketKit) -> None:
    claim = next(entry for entry in load_artifact("ISteelyard").abi if entry.get("name") == "claim")
    data = encode_call(claim, [kit.token_address, RECIPIENT])
    with pytest.raises(NothingToClaimError) as caught:
        kit.sender(0).send(kit.deployment.marketplace, data, gas=200_000)  # a given limit skips the simulation
    assert caught.value.tx_hash is not None
    assert kit.devnet.web3.eth.get_transaction_receipt(caught.value.tx_hash)["status"] == 0  # type: ignore[arg-type]
    assert caught.value.account == kit.address(0)


def test_gas_that_runs_out_is_told_apart(kit: MarketKit) -> None:
    with pytest.raises(OutOfGasError) as caught:
        kit.sender(0).send(None, load_artifact("TestToken").bytecode, gas=400_000)
    assert (caught.value.gas, caught.value.tx_hash is not None) == (400_000, True)


def test_call_beyond_the_gas_cap_is_not_sent(node: Devnet) -> None:
    endless = bytes.fromhex("5b600056")  # JUMPDEST PUSH1 0 JUMP
    with pytest.raises(OutOfGasError):
        make_sender(node).send(None, endless)
    greedy = bytes.fromhex("630112a8805a10600b57005b5f5ffd")  # reverts below 18,000,000 gas
    with pytest.raises(OutOfGasError) as caught:
        make_sender(node).send(None, greedy)
    assert caught.value.gas is not None
    assert caught.value.gas > TRANSACTION_GAS_CAP
    assert nonce(node) == 0


def test_estimate_leaves_a_margin(kit: MarketKit) -> None:
    receipt = kit.token().mint(RECIPIENT, 5)
    sent = kit.devnet.web3.eth.get_transaction(receipt.tx_hash)  # type: ignore[arg-type]
    assert 1.1 * receipt.gas_used < sent["gas"] < 1.6 * receipt.gas_used


def test_marketplace_goes_on_after_a_restart_of_the_node(
    tmp_path: Path, deployment: Deployment, kit: MarketKit, background: ThreadPoolExecutor
) -> None:
    """The deployed chain is carried to a node of its own by its state, as programs see a restart."""
    state = tmp_path / "state.json"
    with Devnet(state_file=state) as node:
        node.request("anvil_loadState", [kit.devnet.request("anvil_dumpState", [])])
        market = Marketplace(
            connect(node.url), deployment.marketplace, sender=Sender(connect(node.url), node.account(5), POLICY)
        )
        market.register_key(b"a" * 32)
        node.stop()
        future = background.submit(lambda: market.register_key(b"b" * 32))
        time.sleep(0.3)
        node.start()
        future.result()
        assert market.get_key(Address(node.account(5).address)) == b"b" * 32
