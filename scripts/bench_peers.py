"""Measures the Gram proof against the same statement in circom, proved by snarkjs with Groth16, and prints a table.

    python -m scripts.bench_peers             at the sizes that both can do, and ours beyond
    python -m scripts.bench_peers --quick     the small sizes only
    python -m scripts.bench_peers --largest   with a circuit of a million constraints, too
    python -m scripts.bench_peers --json      one JSON document on stdout, for machines

INSECURE powers of tau are made once and kept in build/peers. docs/performance-peers.md says what is equal between the
two statements and what is not.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import multiprocessing
import os
import platform
import re
import resource
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from scripts import peer_groth16 as peer
from scripts.deploy import build_srs_points
from steelyard.chain.deploy import deploy_contract
from steelyard.chain.devnet import Devnet, dev_account
from steelyard.chain.transactions import Sender, SendPolicy
from steelyard.constants import UPDATE_MAX, UPDATE_MIN
from steelyard.errors import TransactionRevertedError
from steelyard.gram import (
    ETHEREUM_SRS_DIGEST,
    GramStatement,
    commit,
    compute_gram,
    derive_blinders,
    encode_gram,
    load_ethereum_srs,
    prove_gram,
    verify_gram,
)
from steelyard.gram.srs_library import make_insecure_srs
from steelyard.types import Address, Digest, Seed

QUICK_SIZES: Final = ((7, 225), (20, 225))
SIZES: Final = (*QUICK_SIZES, (7, 2_410))
LARGEST: Final = (20, 2_400)
BEYOND: Final = ((20, 100_000), (20, 1_000_000))
ETHEREUM_POWERS: Final = 4_096
LONG_POWERS: Final = 32_768
CHECK_SIZE: Final = (2, 230)  # two permutations a vector
MAX_COMMITMENTS: Final = 1_024  # of the verifier contract


@dataclass(frozen=True, slots=True)
class Ours:
    """Steelyard's proof at one size. Seconds, bytes and gas; `gas` is None where the contract takes fewer points."""

    n: int
    d: int
    powers: int
    blocks: int
    commit: float
    gram: float
    prove: float
    prove_cpu: float
    verify: float
    peak_rss_bytes: int
    proof_bytes: int
    calldata_bytes: int
    gas: int | None


@dataclass(frozen=True, slots=True)
class Theirs:
    """circom and snarkjs at one size; of an extrapolation only what grows with the constraints."""

    n: int
    d: int
    constraints: int
    power: int
    compiling: peer.Usage
    setup: peer.Usage
    commit: peer.Usage
    witness: peer.Usage
    prove: peer.Usage
    verify: peer.Usage
    key_bytes: int
    proof_bytes: int
    calldata_bytes: int
    gas: int

    @property
    def peak_rss_bytes(self) -> int:
        """Of the prover; the setup has its own."""
        return max(self.witness.peak_rss_bytes, self.prove.peak_rss_bytes)


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """Linear in the constraints from the largest circuit measured."""

    n: int
    d: int
    constraints: int
    power: int
    setup: float
    witness: float
    prove: float
    prove_cpu: float
    peak_rss_bytes: int


Row: TypeAlias = Ours | Theirs | Extrapolation


def make_updates(n: int, d: int) -> NDArray[np.int16]:
    """Updates as training makes them: a common direction, and noise of each trainer's own."""
    rng = np.random.default_rng(0)
    common = rng.normal(0, 1000, d)
    rows = [np.clip(np.rint(common + rng.normal(0, 1000, d)), UPDATE_MIN, UPDATE_MAX) for _ in range(n)]
    return np.array(rows, dtype=np.int16)


def check_peer(sender: Sender) -> None:
    """Shows that the circuit states what it should: proofs of the truth verify, and lies have no witness.

    Raises:
        SystemExit: it does not.
    """
    peer.check_permutation()
    n, d = CHECK_SIZE
    circuit = peer.compile_gram(n, d)
    made, _ = peer.make_round(make_updates(n, d))
    inputs = made.compute_inputs()
    peer.calculate_witness(circuit.folder, circuit.wasm, inputs)
    peer.set_up(circuit, peer.get_powers(circuit.power)[0])
    peer.prove(circuit)
    peer.verify(circuit)
    proof = peer.read_proof(circuit)
    address = peer.deploy_peer(sender, circuit, n)
    sender.send(address, peer.encode_peer_call(made, proof))

    gram = compute_gram(made.updates)
    gram[0, 1] = gram[1, 0] = gram[0, 1] + 1
    false = dataclasses.replace(made, gram=encode_gram(gram))
    other = dataclasses.replace(made, context=bytes(32))
    for lie in (false, other):
        expect(TransactionRevertedError, partial(sender.send, address, peer.encode_peer_call(lie, proof)))
    long = made.updates.tolist()
    long[0][0] = UPDATE_MAX + 1
    swapped = [inputs["commitments"][1], inputs["commitments"][0]]
    lies = (false.compute_inputs(), inputs | {"u": long}, inputs | {"commitments": swapped})
    for values in lies:
        attempt = partial(peer.calculate_witness, circuit.folder, circuit.wasm, values)
        failure = expect(peer.StepFailedError, attempt)
        if "Assert Failed" not in str(failure):
            raise SystemExit(f"the witness calculator failed for another reason: {failure}")


def expect(kind: type[Exception], work: Callable[[], object]) -> Exception:
    """Runs what must fail, and returns how it did."""
    try:
        work()
    except kind as error:
        return error
    raise SystemExit(f"a lie passed where {kind.__name__} was expected")


def measure_theirs(sender: Sender, n: int, d: int) -> Theirs:
    """Every step of the peer at one size, and one verification on chain."""
    print(f"circom: n = {n}, d = {d:,}", file=sys.stderr)
    circuit = peer.compile_gram(n, d)
    if abs(circuit.constraints / peer.estimate_constraints(n, d) - 1) > 0.01:
        raise SystemExit(f"{circuit.constraints} constraints are not the {peer.estimate_constraints(n, d)} expected")
    made, commit_usage = peer.make_round(make_updates(n, d))
    powers, made_now = peer.get_powers(circuit.power)
    if made_now:
        print(f"made INSECURE powers of tau for 2^{circuit.power} in {made_now.seconds:.0f} s", file=sys.stderr)
    setup = peer.set_up(circuit, powers)
    witness = peer.calculate_witness(circuit.folder, circuit.wasm, made.compute_inputs())
    prove = peer.prove(circuit)
    verify = peer.verify(circuit)
    call = peer.encode_peer_call(made, peer.read_proof(circuit))
    return Theirs(
        n=n,
        d=d,
        constraints=circuit.constraints,
        power=circuit.power,
        compiling=circuit.usage,
        setup=setup,
        commit=commit_usage,
        witness=witness,
        prove=prove,
        verify=verify,
        key_bytes=(circuit.folder / "main.zkey").stat().st_size,
        proof_bytes=peer.PROOF_BYTES,
        calldata_bytes=len(call),
        gas=sender.send(peer.deploy_peer(sender, circuit, n), call).gas_used,
    )


def extrapolate(largest: Theirs, n: int, d: int) -> Extrapolation:
    """What a circuit would take that is not built."""
    constraints = peer.estimate_constraints(n, d)
    factor = constraints / largest.constraints
    return Extrapolation(
        n=n,
        d=d,
        constraints=constraints,
        power=constraints.bit_length(),
        setup=(largest.compiling.seconds + largest.setup.seconds) * factor,
        witness=largest.witness.seconds * factor,
        prove=largest.prove.seconds * factor,
        prove_cpu=largest.prove.cpu_seconds * factor,
        peak_rss_bytes=round(largest.peak_rss_bytes * factor),
    )


def measure_ours(n: int, d: int, powers: int) -> tuple[Ours, bytes]:
    """Steelyard at one size, and the calldata of its verification. Gas is added by `measure_gas`."""
    srs = load_ethereum_srs() if powers == ETHEREUM_POWERS else make_insecure_srs(powers)
    updates = make_updates(n, d)
    seeds = [Seed(secrets.token_bytes(32)) for _ in range(n)]
    blocks = srs.count_blocks(d)
    commit(srs, updates[0, :1], seeds[0])  # fills the tables that a process makes once
    start = time.perf_counter()
    commitments = [commit(srs, row, seed) for row, seed in zip(updates, seeds, strict=True)]
    committed = time.perf_counter()
    gram = compute_gram(updates)
    summed = time.perf_counter()
    statement = GramStatement.make(Digest(secrets.token_bytes(32)), d, commitments, gram)
    blinders = [derive_blinders(seed, blocks) for seed in seeds]
    cpu, begun = read_cpu_seconds(), time.perf_counter()
    proof = prove_gram(srs, statement, updates, blinders)
    proved, prove_cpu = time.perf_counter(), read_cpu_seconds() - cpu
    verify_gram(srs, statement, proof)
    verified = time.perf_counter()
    types = ("bytes32", "uint256", "uint256", "bytes", "bytes", "bytes")
    values = (statement.context, n, d, statement.commitments, statement.gram, proof.encode())
    call = keccak(f"verify({','.join(types)})".encode())[:4] + encode(types, values)
    result = Ours(
        n=n,
        d=d,
        powers=powers,
        blocks=blocks,
        commit=(committed - start) / n,
        gram=summed - committed,
        prove=proved - begun,
        prove_cpu=prove_cpu,
        verify=verified - proved,
        peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        proof_bytes=len(proof.encode()),
        calldata_bytes=len(call),
        gas=None,
    )
    return result, call


def read_cpu_seconds() -> float:
    """Of this process and the children that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measure_all_ours(sender: Sender, sizes: list[tuple[int, int, int]]) -> list[Ours]:
    """Each size in a fresh process, and one verification on chain where that fits."""
    verifiers: dict[int, Address] = {}
    context = multiprocessing.get_context("spawn")
    results = []
    for n, d, powers in sizes:
        print(f"steelyard: n = {n}, d = {d:,}, {powers:,} powers", file=sys.stderr)
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            result, call = pool.submit(measure_ours, n, d, powers).result()
        if n * result.blocks <= MAX_COMMITMENTS:
            verifier = verifiers.get(powers) or deploy_ours(sender, powers)
            verifiers[powers] = verifier
            result = dataclasses.replace(result, gas=sender.send(verifier, call).gas_used)
        results.append(result)
    return results


def deploy_ours(sender: Sender, powers: int) -> Address:
    """The verifier contract for a string of so many powers."""
    srs = load_ethereum_srs() if powers == ETHEREUM_POWERS else make_insecure_srs(powers)
    points = build_srs_points(srs, ETHEREUM_SRS_DIGEST if powers == ETHEREUM_POWERS else "")
    fields = (points.g1_one, points.g1_tau, points.blinding, points.g2_one, points.g2_tau, points.g2_tau2)
    address = deploy_contract(sender, "GramVerifier", powers, fields).contract_address
    if address is None:
        raise SystemExit("the verifier was not deployed")
    return address


def describe_machine() -> dict[str, Any]:
    """What the figures depend on."""
    model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())  # noqa: SIM115, PTH123
    packages = json.loads((peer.PACKAGE / "package.json").read_text())["dependencies"]
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "cores": os.cpu_count(),
        "processor": model[1] if model else platform.processor(),
        "load_average": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "node": node,
        "circom": "2.2.3",
        **packages,
    }


def format_size(count: float) -> str:
    return f"{count / 2**20:,.0f}"


def print_table(machine: dict[str, Any], ours: list[Ours], theirs: list[Theirs], beyond: list[Extrapolation]) -> None:
    """The measurements for people: for each size, ours above theirs."""
    table = Table(title=f"The same Gram statement, {machine['cores']} cores, load {machine['load_average']}")
    columns = ("n", "d", "system", "constraints", "setup s", "commit s", "witness s", "prove s", "CPU s", "verify s")
    for name in (*columns, "peak MiB", "proof B", "calldata B", "gas"):
        table.add_column(name, justify="left" if name == "system" else "right")
    rows: list[Row] = [*ours, *theirs, *beyond]
    for x in sorted(rows, key=lambda x: (x.d, x.n, type(x) is not Ours)):
        table.add_row(str(x.n), f"{x.d:,}", *format_row(x), end_section=type(x) is not Ours)
    Console(width=170).print(table)


def format_row(x: Row) -> tuple[str, ...]:
    """Everything behind n and d."""
    match x:
        case Ours():
            name = "steelyard" if x.powers == ETHEREUM_POWERS else f"… {x.powers:,} powers"
            gas = f"n·B > {MAX_COMMITMENTS:,}" if x.gas is None else f"{x.gas:,}"
            seconds = (
                "0",
                f"{x.commit:.3f}",
                f"{x.gram:.3f}",
                f"{x.prove:.2f}",
                f"{x.prove_cpu:.2f}",
                f"{x.verify:.3f}",
            )
            return (name, "", *seconds, format_size(x.peak_rss_bytes), str(x.proof_bytes), f"{x.calldata_bytes:,}", gas)
        case Theirs():
            steps = (x.compiling.seconds + x.setup.seconds, x.commit.seconds, x.witness.seconds, x.prove.seconds)
            times = (f"{step:.1f}" for step in (*steps, x.prove.cpu_seconds, x.verify.seconds))
            sizes = (format_size(x.peak_rss_bytes), str(x.proof_bytes), f"{x.calldata_bytes:,}", f"{x.gas:,}")
            return ("circom, Groth16", f"{x.constraints:,}", *times, *sizes)
        case Extrapolation():
            steps = (x.setup, x.witness, x.prove, x.prove_cpu)
            setup, *rest = (f"~{step:,.0f}" for step in steps)
            note = f"impossible, 2^{x.power}" if x.power > peer.MAX_POWER else "extrapolated"
            return (note, f"~{x.constraints:,}", setup, "", *rest, "", f"~{format_size(x.peak_rss_bytes)}", "", "", "")


def main() -> None:
    """Reads the options, measures, prints."""
    parser = argparse.ArgumentParser(description="Measure the Gram proof against circom and snarkjs.")
    parser.add_argument("--quick", action="store_true", help="the small sizes only")
    parser.add_argument("--largest", action="store_true", help="the largest circuit too: a quarter of an hour more")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    sizes = QUICK_SIZES if options.quick else (*SIZES, LARGEST) if options.largest else SIZES
    machine = describe_machine()
    print("INSECURE: the peer's powers of tau and keys are for measurement only", file=sys.stderr)
    our_sizes = [(n, d, ETHEREUM_POWERS) for n, d in sizes]
    if not options.quick:
        our_sizes += [(n, d, ETHEREUM_POWERS) for n, d in BEYOND] + [(*BEYOND[-1], LONG_POWERS)]
    with Devnet() as devnet:
        sender = Sender(devnet.web3, dev_account(0), SendPolicy(poll_seconds=0.05))
        check_peer(sender)
        ours = measure_all_ours(sender, our_sizes)
        theirs = [measure_theirs(sender, n, d) for n, d in sizes]
    beyond = [extrapolate(theirs[-1], n, d) for n, d in BEYOND]
    if options.json:
        results: dict[str, Sequence[Row]] = {"ours": ours, "theirs": theirs, "extrapolated": beyond}
        document = {name: [dataclasses.asdict(x) for x in rows] for name, rows in results.items()}
        print(json.dumps({"machine": machine} | document, indent=1))
    else:
        print_table(machine, ours, theirs, beyond)


if __name__ == "__main__":
    main()
