"""Plays the demo from the first block to the report: the one place that starts programs and judges the outcome."""

import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console

from scripts.demo.cast import DEMO, Role
from scripts.demo.nodes import Nodes, start_nodes
from scripts.demo.processes import Processes, find_free_port
from scripts.demo.report import Accounts, Report, RoundLine, TrainerLine
from scripts.demo.stage import KEEPER, OWNER, Paths, Stage, set_stage
from scripts.demo.watch import DemoTimeoutError, RoundFacts, Watcher, read_lines
from steelyard.chain.devnet import Devnet
from steelyard.chain.events import Claimed, Credited, LoggedEvent
from steelyard.chain.records import CreditKind
from steelyard.errors import VerificationError
from steelyard.gram import dump_bundle, load_ethereum_srs, parse_bundle
from steelyard.rounds.audit import audit_payment
from steelyard.rounds.evidence import verify_evidence
from steelyard.rules.registry import get_rule
from steelyard.types import Address

DEAD: Final = Address("0x000000000000000000000000000000000000dEaD")
"""Where `burn` sends what slashes have burnt."""

START_SECONDS = 180.0
EXIT_SECONDS = 30.0


def play(out: Path, console: Console, *, timeout_seconds: float, keep: bool, ipfs: bool = False) -> list[str]:
    """Plays the demo and returns what does not hold; empty if all is well.

    Args:
      out: emptied, then filled with the report, evidence, logs and keys.
      console: where the story is told.
      timeout_seconds: how long the project may take.
      keep: leave everything running after the report until interrupted.
      ipfs: keep blobs in two IPFS nodes instead of a directory.

    Raises:
      ProcessDiedError: a program failed.
      DemoTimeoutError: the project did not end in time.
      ChainError, ConfigError: the stage could not be set.
    """
    shutil.rmtree(out, ignore_errors=True)
    paths = Paths(out.resolve())
    began = time.monotonic()
    with Devnet() as devnet, ExitStack() as stack, Processes(paths.logs) as processes:
        nodes = _start_nodes(stack, paths, console) if ipfs else None
        console.print("Deploying contracts, funding accounts, enrolling seven trainers …")
        stage = set_stage(DEMO, devnet, paths, nodes.store_urls if nodes else None)
        port = find_free_port()
        start_programs(stage, processes, port)
        await_ready(stage, processes, port, console)
        stage.connect(OWNER).marketplace.start(stage.project_id)
        watcher = Watcher(stage, processes, console)
        watcher.follow(timeout_seconds)
        await_exit(stage, processes)
        claim_all(stage)
        report = _build_report(stage, watcher, port, nodes.count_received() if nodes else {}, began)
        report.write(paths.root / "report.json")
        report.print(console)
        failures = report.find_failures(stage.project_file.chain.rounds)
        if keep:
            _keep_running(stage, processes, port, console)
    return failures


def _start_nodes(stack: ExitStack, paths: Paths, console: Console) -> Nodes:
    with console.status("Starting two IPFS nodes …"):
        nodes = stack.enter_context(start_nodes(paths))
    console.print(f"Trainers keep blobs in {nodes.store_urls.trainers}, everybody else in {nodes.store_urls.others}.")
    return nodes


def start_programs(stage: Stage, processes: Processes, port: int) -> None:
    """Starts the backend on a port, and all aggregators and trainers."""
    cli = "scripts.cli"
    backend = [cli, "backend", "run", "--port", str(port), "--keeper-keystore", str(stage.paths.keystore(KEEPER))]
    processes.start("backend", backend, stage.environment(KEEPER))
    for name in stage.cast.aggregators:
        arguments = [cli, "aggregator", "run", "--poll-seconds", "0.5", "--missing-seconds", "20"]
        processes.start(name, arguments, stage.environment(name))
    for role in stage.cast.trainers:
        processes.start(
            role.name, _trainer_command(stage, role), stage.environment(role.name), may_fail=not role.is_honest
        )


def _trainer_command(stage: Stage, role: Role) -> list[str]:
    project = "0x" + stage.project_id.hex()
    if role.is_honest:
        options = ["--data", role.data, "--poll-seconds", "0.5", "--threads", "1", "--json"]
        return ["scripts.cli", "trainer", "run", project, *options]
    return ["scripts.demo.dishonest", role.conduct, project, role.data]


def await_ready(stage: Stage, processes: Processes, port: int, console: Console) -> None:
    """Waits for backend and aggregators: an aggregator that is not there yet would still be drawn."""
    with console.status("Starting backend, aggregators and trainers …"):
        deadline = time.monotonic() + START_SECONDS
        waiting = {"backend", *stage.cast.aggregators}
        while waiting:
            processes.check()
            if time.monotonic() > deadline:
                raise DemoTimeoutError(f"{', '.join(sorted(waiting))} did not start in {START_SECONDS:.0f} s")
            stage.devnet.mine()
            ready = {
                name for name in stage.cast.aggregators if read_lines(processes, name, lambda line: "ready" in line)
            }
            if _is_backend_ready(port):
                ready.add("backend")
            waiting -= ready
            time.sleep(0.5)


def _get_indexed_block(client: httpx.Client) -> int:
    """How far a backend has read the chain; -1 while it is starting."""
    try:
        return int(client.get("/health").json()["indexed_block"] or 0)
    except httpx.TransportError:
        return -1


def _is_backend_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/v1/ready", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def await_exit(stage: Stage, processes: Processes) -> None:
    """Waits until the trainers have seen the end and left by themselves."""
    deadline = time.monotonic() + EXIT_SECONDS
    while not all(processes.has_ended(role.name) for role in stage.cast.trainers):
        processes.check()
        if time.monotonic() > deadline:
            running = [role.name for role in stage.cast.trainers if not processes.has_ended(role.name)]
            raise DemoTimeoutError(f"{', '.join(running)} did not see the project's end")
        stage.devnet.mine()
        time.sleep(0.5)


def claim_all(stage: Stage) -> None:
    """Has everybody paid out what they were credited, and burns what slashes have taken."""
    for name in stage.identities:
        marketplace = stage.connect(name).marketplace
        address = stage.identities[name].address
        if marketplace.get_credit(address, stage.token_address):
            marketplace.claim(stage.token_address, address)
    marketplace = stage.connect(OWNER).marketplace
    if marketplace.get_burnt(stage.token_address):
        marketplace.burn(stage.token_address)


def _build_report(stage: Stage, watcher: Watcher, port: int, blocks_received: dict[str, int], began: float) -> Report:
    marketplace = stage.connect().marketplace
    events = marketplace.get_events(stage.deployment.block, marketplace.get_block_number())
    verified = write_evidence(stage, watcher.rounds)
    trainers = tuple(_build_trainer_line(stage, role, watcher.rounds, events) for role in stage.cast.trainers)
    return Report(
        status=watcher.status.name.lower(),
        project_id="0x" + stage.project_id.hex(),
        trainers=trainers,
        rounds=tuple(_build_round_line(stage, facts) for facts in watcher.rounds),
        accounts=count_tokens(stage),
        evidence_verified=verified,
        backend_agrees=compare_backend(stage, watcher.rounds, port),
        blocks_received=blocks_received,
        seconds=time.monotonic() - began,
    )


def write_evidence(stage: Stage, rounds: Sequence[RoundFacts]) -> bool:
    """Writes each round's bundle, reads the file again and verifies it as a stranger would."""
    stage.paths.evidence.mkdir(parents=True, exist_ok=True)
    srs, rule = load_ethereum_srs(), get_rule(stage.project_file.chain.rule)
    deployment = stage.deployment
    for facts in rounds:
        bundle = audit_payment(
            facts.record, deployment.chain_id, deployment.marketplace, stage.spec.model.dimension, srs, rule
        )
        path = stage.paths.evidence / f"round-{facts.record.round_index}.json"
        path.write_text(dump_bundle(bundle))
        try:
            verify_evidence(srs, parse_bundle(path.read_bytes()))
        except VerificationError:
            return False
    return bool(rounds)


def _build_trainer_line(
    stage: Stage, role: Role, rounds: Sequence[RoundFacts], events: Sequence[LoggedEvent]
) -> TrainerLine:
    marketplace, address = stage.connect().marketplace, stage.identities[role.name].address
    mine = [logged.event for logged in events if getattr(logged.event, "account", None) == address]
    credits_ = [event for event in mine if isinstance(event, Credited)]
    claims = [event for event in mine if isinstance(event, Claimed)]
    parts = []
    for facts in rounds:
        row = facts.record.get_row(address)
        parts.append(0.0 if row is None else facts.record.weights[row] / sum(facts.record.weights))
    member = next(member for member in marketplace.get_members(stage.project_id) if member.account == address)
    stake = marketplace.get_stake(address, stage.token_address)
    return TrainerLine(
        name=role.name,
        address=address,
        conduct=role.conduct,
        label_noise=role.label_noise,
        rounds_accepted=sum(part > 0 for part in parts),
        mean_weight=sum(parts) / len(parts) if parts else 0.0,
        earned=sum(credit.amount for credit in credits_ if credit.kind is CreditKind.SHARE),
        pool_split=sum(credit.amount for credit in credits_ if credit.kind is CreditKind.POOL_SPLIT),
        pay=sum(credit.amount for credit in credits_),
        claimed=sum(claim.amount for claim in claims),
        reputation_bps=marketplace.get_reputation(address),
        strikes=member.strikes,
        stake_left=stake.free + stake.locked,
    )


def _build_round_line(stage: Stage, facts: RoundFacts) -> RoundLine:
    record = facts.record
    names = {identity.address: name for name, identity in stage.identities.items()}
    who = [names[trainer] for trainer in record.trainers]
    return RoundLine(
        round=record.round_index,
        attempt=record.attempt,
        aggregator=names[record.aggregator],
        accuracy=facts.accuracy,
        rows=record.n,
        excluded=len(record.excluded),
        settle_gas=facts.settle_gas,
        mean_submit_gas=sum(facts.submit_gas) / len(facts.submit_gas),
        attestations=facts.attestations,
        seconds=facts.seconds,
        steps=facts.steps,
        weights={name: str(weight) for name, weight in zip(who, record.weights, strict=True)},
        shares={name: str(share) for name, share in zip(who, record.shares, strict=True)},
        evidence=f"evidence/round-{record.round_index}.json",
    )


def count_tokens(stage: Stage) -> Accounts:
    """Who holds what now."""
    marketplace, token = stage.connect().marketplace, stage.get_token()
    addresses = {name: identity.address for name, identity in stage.identities.items()}
    stakes = {name: marketplace.get_stake(address, token.address) for name, address in addresses.items()}
    dead = token.get_balance(DEAD)
    return Accounts(
        supply=sum(stage.balances_before.values()),
        before=stage.balances_before,
        after={name: token.get_balance(address) for name, address in addresses.items()} | {"burnt": dead},
        staked={name: stake.free + stake.locked + stake.unbonding for name, stake in stakes.items()},
        contract_balance=token.get_balance(marketplace.address),
        contract_stakes=sum(stake.free + stake.locked + stake.unbonding for stake in stakes.values()),
        contract_credits=sum(marketplace.get_credit(address, token.address) for address in addresses.values()),
        contract_burnt=marketplace.get_burnt(token.address),
    )


def compare_backend(stage: Stage, rounds: Sequence[RoundFacts], port: int) -> bool:
    """Whether the backend serves the same evidence as the chain does, once it has caught up."""
    head = stage.connect().marketplace.get_block_number()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", timeout=10) as client:
        deadline = time.monotonic() + EXIT_SECONDS
        while _get_indexed_block(client) < head:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        for facts in rounds:
            index = facts.record.round_index
            answer = client.get(f"/projects/0x{stage.project_id.hex()}/rounds/{index}/evidence")
            served = parse_bundle(answer.content)
            if served != parse_bundle((stage.paths.evidence / f"round-{index}.json").read_bytes()):
                return False
    return True


def _keep_running(stage: Stage, processes: Processes, port: int, console: Console) -> None:
    project = "0x" + stage.project_id.hex()
    console.print(f"\nStill running: node {stage.devnet.url}, backend http://127.0.0.1:{port}/openapi.json")
    console.print(f"  http://127.0.0.1:{port}/v1/projects/{project}")
    console.print(f"  export STEELYARD_RPC_URL={stage.devnet.url} STEELYARD_DEPLOYMENT={stage.paths.deployment}")
    console.print(f"  export STEELYARD_STORE={stage.store_urls.others}")
    console.print(f"  steelyard verify round {project} 0")
    console.print(f"  steelyard trainer why {project} 0 --trainer {stage.identities['Ada'].address}")
    console.print("Ctrl-C ends it.")
    try:
        while True:
            stage.devnet.mine()
            processes.check()
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("stopping")
