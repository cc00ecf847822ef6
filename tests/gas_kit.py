"""Rounds of any size on a local chain, and what their transactions spent gas on."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from eth_abi.abi import encode
from eth_typing import HexStr
from eth_utils.crypto import keccak

from steelyard.chain.gas_model import Size, compute_precompile_gas, compute_tolerated
from steelyard.gram import compute_gram, encode_gram
from steelyard.rules import DEFAULT_RULE, encode_hints, get_rule
from tests.market_kit import AGGREGATORS, OWNER, MarketKit, make_honest_updates, make_settlement

PAYLOAD: Final = 4_088
"""Entries of a block over the Ethereum ceremony."""

MINE_GAS: Final = 16_777_216
BYZANTINE_BPS: Final = 3_000
LAST_PRECOMPILE: Final = 0x11
WEIGH: Final = ("bytes", "uint256", "uint256", "uint256", "bytes")
"""The arguments of `IWeighingRule.weigh`."""


@dataclass(frozen=True, slots=True)
class Settling:
    """One settlement. The fields are those of `gas_model.SettleGas`."""

    calldata: int
    precompiles: int
    verifier: int
    rule: int
    storage: int
    events: int
    rest: int


@dataclass(frozen=True, slots=True)
class RoundGas:
    """One round: its size, and its transactions. Of those that trainers send, the dearest."""

    size: Size
    rule: str
    index: int
    is_last: bool
    settling: Settling
    submit: int
    root: int
    """Of the owner's root; 0 where there is none."""
    attest: int
    poke: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RuleGas:
    """The weighing of one round."""

    size: Size
    rule: str
    gas: int


def choose_dimension(blocks: int) -> int:
    """A dimension of so many blocks, the last of them half full."""
    return PAYLOAD * blocks - PAYLOAD // 2


def measure_project(
    kit: MarketKit, n: int, blocks: int, rounds: int = 2, rule: str = DEFAULT_RULE.name
) -> Iterator[RoundGas]:
    """Plays a project of honest trainers from its start to its end, and measures each round of `n` rows."""
    d, roots = choose_dimension(blocks), int(get_rule(rule).rooted)
    project_id, trainers = kit.start_project(
        n - roots, min_trainers=3, max_trainers=n - roots, dimension=d, rounds=rounds, rule=kit.deployment.rules[rule]
    )
    size = Size(n, blocks, compute_tolerated(n - roots, BYZANTINE_BPS), roots)
    market = kit.market()
    for index in range(rounds):
        senders = trainers + [OWNER] * roots
        updates = dict(zip(senders, make_honest_updates(n, d, seed=index), strict=True))
        rows = kit.make_rows(updates, salt=index)
        first_block = kit.devnet.web3.eth.block_number + 1
        kit.post(project_id, updates, rows)
        submitted = _gas_of_blocks(kit, first_block)
        submit, root = max(submitted[: len(trainers)]), sum(submitted[len(trainers) :])
        settling = _settle(kit, project_id, rows, size)
        first_block = kit.devnet.web3.eth.block_number + 1
        _attest(kit, project_id, trainers)
        attest = max(_gas_of_blocks(kit, first_block))
        poke = market.as_sender(kit.sender(0)).poke(project_id).gas_used
        yield RoundGas(size, rule, index, index == rounds - 1, settling, submit, root, attest, poke)


def measure_weighing(kit: MarketKit, n: int, rule: str, seed: int) -> RuleGas:
    """What a rule alone uses for a round of `n` honest rows, without the call's own price and that of its data."""
    roots = int(get_rule(rule).rooted)
    size = Size(n, 1, compute_tolerated(n - roots, BYZANTINE_BPS), roots)
    gram = compute_gram(np.stack(make_honest_updates(n, choose_dimension(1), seed=seed)))
    weighing = get_rule(rule).weigh(gram, size.f, choose_dimension(1))
    arguments = (encode_gram(gram), n, size.f, choose_dimension(1), encode_hints(weighing))
    data = keccak(text=f"weigh({','.join(WEIGH)})")[:4] + encode(WEIGH, arguments)
    call = {"to": kit.deployment.rules[rule], "data": "0x" + data.hex(), "gas": hex(MINE_GAS)}
    frame = kit.devnet.request("debug_traceCall", [call, "latest", {"tracer": "callTracer"}])
    assert "error" not in frame, frame
    return RuleGas(size, rule, int(frame["gasUsed"], 16) - _price_calldata(data))


def _price_calldata(data: bytes) -> int:
    return 21_000 + 4 * data.count(0) + 16 * (len(data) - data.count(0))


def _settle(kit: MarketKit, project_id: Any, rows: Any, size: Size) -> Settling:
    """Settles, and takes the transaction apart: by frames of calls, by storage and log operations, by bytes."""
    devnet = kit.devnet
    attempt = kit.market().get_round(project_id)
    aggregator = next(account for account in AGGREGATORS if kit.address(account) == attempt.aggregator)
    settlement = make_settlement(kit.weigh(project_id, rows))
    before = devnet.snapshot()
    receipt = kit.market(aggregator).settle(project_id, attempt.index, settlement)
    sent = devnet.web3.eth.get_transaction(HexStr(receipt.tx_hash))
    frames = devnet.request("debug_traceTransaction", [receipt.tx_hash, {"tracer": "callTracer"}])
    devnet.revert(before)
    call = {"from": sent["from"], "to": sent["to"], "data": sent["input"].to_0x_hex(), "gas": hex(MINE_GAS)}
    options = {"disableStack": True, "disableMemory": True, "disableStorage": True}
    steps = devnet.request("debug_traceCall", [call, "latest", options])["structLogs"]
    kit.market(aggregator).settle(project_id, attempt.index, settlement)

    data = bytes(sent["input"])
    calldata = _price_calldata(data)
    storage = events = 0
    for step, after in pairwise(steps):
        if step["op"] in {"SLOAD", "SSTORE"}:
            storage += step["gas"] - after["gas"]
        elif step["op"].startswith("LOG"):
            events += step["gas"] - after["gas"]
    verifying, weighing = _gas_of_frames(frames, kit.deployment.verifier), _gas_of_frames(frames, _rule_of(kit, frames))
    precompiles = sum(int(frame["gasUsed"], 16) for frame in _walk(frames) if int(frame["to"], 16) <= LAST_PRECOMPILE)
    assert precompiles == compute_precompile_gas(size), "the prices of EIP-2537"
    parts = (calldata, precompiles, verifying - precompiles, weighing, storage, events)
    return Settling(*parts, receipt.gas_used - sum(parts))


def _attest(kit: MarketKit, project_id: Any, trainers: list[int]) -> None:
    """As many votes as decide the round."""
    market = kit.market()
    attempt = market.get_round(project_id)
    for trainer in trainers:
        slot = market.get_slot(project_id, kit.address(trainer))
        if attempt.attesters >> slot & 1 and market.get_round(project_id).status == attempt.status:
            kit.market(trainer).attest(project_id, attempt.index, opens=True)


def _gas_of_blocks(kit: MarketKit, first: int) -> list[int]:
    eth = kit.devnet.web3.eth
    return [eth.get_block(number)["gasUsed"] for number in range(first, eth.block_number + 1)]


def _walk(frame: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield frame
    for inner in frame.get("calls", ()):
        yield from _walk(inner)


def _gas_of_frames(frames: dict[str, Any], address: str) -> int:
    return sum(int(frame["gasUsed"], 16) for frame in _walk(frames) if frame["to"].lower() == address.lower())


def _rule_of(kit: MarketKit, frames: dict[str, Any]) -> str:
    called = {frame["to"].lower() for frame in _walk(frames)}
    return next(address for address in kit.deployment.rules.values() if address.lower() in called)
