"""The Gram statement in circom, proved by snarkjs: the steps, each in a process of its own that is measured.

For `scripts.bench_peers` only. The circuit and its packages are in bench/peers.
"""

import hashlib
import json
import os
import re
import secrets
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import solcx
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from numpy.typing import NDArray

from steelyard.chain.transactions import Sender
from steelyard.gram import compute_gram, decode_gram, encode_gram
from steelyard.types import Address

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = ROOT / "bench" / "peers"
BUILD: Final = ROOT / "build" / "peers"
TOOLS: Final = PACKAGE / "node_modules"

ORDER: Final = 21888242871839275222246405745257275088548364400416034343698204186575808495617
"""Of BN254's groups, whose scalars the circuit is over."""

MAX_POWER: Final = 28
"""The largest domain that the scalar field of BN254 has: `2^28` constraints."""

PROOF_BYTES: Final = 256
_STEP_SECONDS: Final = 900.0
_ENTRY_CONSTRAINTS: Final = 17
_PERMUTATION_CONSTRAINTS: Final = 799
_PACKED: Final = 15
_RATE: Final = 16
_SNARKJS: Final = ("node", "--max-old-space-size=8192", str(TOOLS / "snarkjs" / "build" / "cli.cjs"))
_CIRCOM: Final = ("node", str(TOOLS / "circom2" / "cli.js"))


class StepFailedError(Exception):
    """A step ended with an error; the text is the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process took, all its threads together."""

    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int


@dataclass(frozen=True, slots=True)
class Circuit:
    """A compiled circuit and the folder that its files lie in."""

    folder: Path
    constraints: int
    publics: int
    usage: Usage

    @property
    def power(self) -> int:
        """`2^power` is the size of its domain."""
        return (self.constraints + self.publics).bit_length()

    @property
    def wasm(self) -> Path:
        return self.folder / "main_js" / "main.wasm"


@dataclass(frozen=True, slots=True)
class Round:
    """One statement with its witness."""

    context: bytes
    updates: NDArray[np.int16]
    salts: tuple[int, ...]
    commitments: tuple[int, ...]
    gram: bytes

    @property
    def commitment_bytes(self) -> bytes:
        return b"".join(x.to_bytes(32, "big") for x in self.commitments)

    def compute_inputs(self) -> dict[str, Any]:
        """The circuit's inputs, with the challenge as GramPeer.sol computes it."""
        n = len(self.commitments)
        hashed = keccak(self.context + keccak(self.commitment_bytes) + keccak(self.gram))
        rho = int.from_bytes(hashed, "big") % ORDER
        r = [pow(rho, 2**i - 1, ORDER) for i in range(n)]
        matrix = decode_gram(self.gram, n)
        form = sum(r[i] * r[j] * int(matrix[i][j]) for i in range(n) for j in range(n)) % ORDER
        return {
            "commitments": [str(x) for x in self.commitments],
            "rho": str(rho),
            "form": str(form),
            "u": self.updates.tolist(),
            "salts": [str(x) for x in self.salts],
        }


def estimate_constraints(n: int, d: int) -> int:
    """What the circuit for `n` vectors of `d` entries has, but for a few dozen."""
    packed = -(-d // _PACKED)
    permutations = -(-(packed + 1) // _RATE)
    return n * (_ENTRY_CONSTRAINTS * d + packed + _PERMUTATION_CONSTRAINTS * permutations) + n * d


def run_step(*command: str | Path) -> tuple[Usage, str]:
    """Runs one process from the repository's root, and returns what it took and what it printed.

    Raises:
        StepFailedError: it failed, or took too long.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    log = BUILD / "step.log"
    start = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen([str(part) for part in command], cwd=ROOT, stdout=output, stderr=output)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() - start > _STEP_SECONDS:
                process.kill()
            time.sleep(0.02)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text(errors="replace")
    if process.returncode != 0 or "[ERROR]" in text:
        raise StepFailedError(f"{Path(command[-1]).name}: status {process.returncode}: {text[-800:]}")
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024), text


def compile_circuit(name: str, main: str) -> Circuit:
    """Compiles a main component over gram.circom, with the optimisation that the circuit is made for."""
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "main.circom"
    source.write_text(f'pragma circom 2.2.0;\ninclude "../../../bench/peers/gram.circom";\n{main}\n')
    usage, text = run_step(
        *_CIRCOM, source.relative_to(ROOT), "--r1cs", "--wasm", "--O1", "-o", folder.relative_to(ROOT)
    )
    counts = {
        label: int(count) for label, count in re.findall(r"([a-z-]+ (?:constraints|inputs|outputs)): (\d+)", text)
    }
    return Circuit(
        folder=folder,
        constraints=counts["non-linear constraints"] + counts["linear constraints"],
        publics=counts["public inputs"] + counts["public outputs"],
        usage=usage,
    )


def compile_gram(n: int, d: int) -> Circuit:
    """The circuit of `n` vectors of `d` entries."""
    return compile_circuit(f"gram_{n}_{d}", f"component main {{public [commitments, rho, form]}} = Gram({n}, {d});")


def compile_commitment(d: int) -> Circuit:
    """The circuit that a trainer computes a commitment with."""
    return compile_circuit(f"commitment_{d}", f"component main = Commitment({d});")


def check_permutation() -> None:
    """Checks that the circuit's permutation is circomlib's.

    Raises:
        StepFailedError: it is not.
    """
    folder = BUILD / "permutation"
    folder.mkdir(parents=True, exist_ok=True)
    source = PACKAGE / "permutation_check.circom"
    run_step(*_CIRCOM, source.relative_to(ROOT), "--wasm", "--O1", "-o", folder.relative_to(ROOT))
    inputs = {"in": [str(secrets.randbelow(ORDER)) for _ in range(_RATE + 1)]}
    calculate_witness(folder, folder / "permutation_check_js" / "permutation_check.wasm", inputs)


def calculate_witness(folder: Path, wasm: Path, inputs: dict[str, Any]) -> Usage:
    """Writes `witness.wtns`.

    Raises:
        StepFailedError: the inputs have no witness.
    """
    path = folder / "input.json"
    path.write_text(json.dumps(inputs))
    return run_step(*_SNARKJS, "wtns", "calculate", wasm, path, folder / "witness.wtns")[0]


def make_round(updates: NDArray[np.int16]) -> tuple[Round, Usage]:
    """Commits to the rows of `updates` with fresh salts, and returns what the last commitment took."""
    circuit = compile_commitment(updates.shape[1])
    salts = tuple(secrets.randbelow(ORDER) for _ in updates)
    commitments = []
    for row, salt in zip(updates, salts, strict=True):
        usage = calculate_witness(circuit.folder, circuit.wasm, {"u": row.tolist(), "salt": str(salt)})
        commitments.append(_read_output(circuit.folder / "witness.wtns"))
    made = Round(secrets.token_bytes(32), updates, salts, tuple(commitments), encode_gram(compute_gram(updates)))
    return made, usage


def get_powers(power: int) -> tuple[Path, Usage | None]:
    """INSECURE powers of tau for a domain, kept between runs; what it took if they were made now."""
    program = PACKAGE / "insecure_powers.mjs"
    digest = hashlib.sha256(program.read_bytes()).hexdigest()[:8]
    path = BUILD / f"insecure_{power}_{digest}.ptau"
    return path, None if path.exists() else run_step("node", program, str(power), path)[0]


def set_up(circuit: Circuit, powers: Path) -> Usage:
    """Makes the proving key and the verification key: phase 2 without any contribution, hence INSECURE too."""
    key = circuit.folder / "main.zkey"
    usage, _ = run_step(*_SNARKJS, "groth16", "setup", circuit.folder / "main.r1cs", powers, key)
    run_step(*_SNARKJS, "zkey", "export", "verificationkey", key, circuit.folder / "key.json")
    run_step(*_SNARKJS, "zkey", "export", "solidityverifier", key, circuit.folder / "Groth16Verifier.sol")
    return usage


def prove(circuit: Circuit) -> Usage:
    """Proves the witness that was calculated last."""
    folder = circuit.folder
    command = ("groth16", "prove", folder / "main.zkey", folder / "witness.wtns", folder / "proof.json")
    return run_step(*_SNARKJS, *command, folder / "public.json")[0]


def verify(circuit: Circuit) -> Usage:
    """Verifies that proof.

    Raises:
        StepFailedError: it does not verify.
    """
    folder = circuit.folder
    usage, text = run_step(
        *_SNARKJS, "groth16", "verify", folder / "key.json", folder / "public.json", folder / "proof.json"
    )
    if "OK!" not in text:
        raise StepFailedError(f"the proof does not verify: {text[-800:]}")
    return usage


def read_proof(circuit: Circuit) -> bytes:
    """`A ‖ B ‖ C` as the exported contract reads them."""
    proof = json.loads((circuit.folder / "proof.json").read_text())
    (ax, ay, _), (bx, by, _), (cx, cy, _) = proof["pi_a"], proof["pi_b"], proof["pi_c"]
    return b"".join(int(x).to_bytes(32, "big") for x in (ax, ay, bx[1], bx[0], by[1], by[0], cx, cy))


def deploy_peer(sender: Sender, circuit: Circuit, n: int) -> Address:
    """Deploys the exported verifier and, before it, GramPeer.sol."""
    publics = circuit.publics
    selector = keccak(f"verifyProof(uint256[2],uint256[2][2],uint256[2],uint256[{publics}])".encode())[:4]
    verifier = sender.send(None, _compile(circuit.folder / "Groth16Verifier.sol")).contract_address
    arguments = encode(("address", "uint256", "bytes4"), (verifier, n, selector))
    peer = sender.send(None, _compile(PACKAGE / "GramPeer.sol") + arguments).contract_address
    if peer is None:
        raise StepFailedError("GramPeer.sol was not deployed")
    return peer


def encode_peer_call(made: Round, proof: bytes) -> bytes:
    """The calldata of GramPeer's `verify`."""
    types = ("bytes32", "bytes", "bytes", "bytes")
    values = (made.context, made.commitment_bytes, made.gram, proof)
    return keccak(f"verify({','.join(types)})".encode())[:4] + encode(types, values)


def _compile(source: Path) -> bytes:
    """The only contract of a file, with the settings of foundry.toml."""
    compiler_input = {
        "language": "Solidity",
        "sources": {source.name: {"content": source.read_text()}},
        "settings": {
            "evmVersion": "prague",
            "optimizer": {"enabled": True, "runs": 200},
            "outputSelection": {"*": {"*": ["evm.bytecode.object"]}},
        },
    }
    output = solcx.compile_standard(compiler_input, solc_binary=ROOT / "scripts" / "solc", allow_empty=True)
    (contract,) = output["contracts"][source.name].values()
    return bytes.fromhex(contract["evm"]["bytecode"]["object"])


def _read_output(witness: Path) -> int:
    """The first output in a file of a witness: element 1 of its second section."""
    data = witness.read_bytes()
    at = 12  # magic, version, number of sections
    while int.from_bytes(data[at : at + 4], "little") != 2:
        at += 12 + int.from_bytes(data[at + 4 : at + 12], "little")
    return int.from_bytes(data[at + 12 + 32 : at + 12 + 64], "little")
