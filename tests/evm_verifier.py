"""The verifier contract on a devnet, asked about many calls at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from scripts.gram_cases import Case
from steelyard.chain.artifacts import load_artifact
from steelyard.chain.deploy import Deployment
from steelyard.chain.devnet import Devnet
from steelyard.types import Address

ACCEPTED: Final = ""
ERRORS: Final[dict[str, str]] = {
    "0x" + keccak(f"{entry['name']}({','.join(i['type'] for i in entry['inputs'])})".encode())[:4].hex(): entry["name"]
    for entry in load_artifact("IGramVerifier").abi
    if entry["type"] == "error"
}
_VERIFY: Final = keccak(b"verify(bytes32,uint256,uint256,bytes,bytes,bytes)")[:4]
_TYPES: Final = ("bytes32", "uint256", "uint256", "bytes", "bytes", "bytes")
_BATCH: Final = 100
_BATCH_BYTES: Final = 500_000
_GAS: Final = 16_777_216  # what a transaction may have (EIP-7825)


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one `eth_call`: what it returned, or else what it reverted with. `fault` is the node's word for a failure."""

    data: str
    fault: str = ""


def call_all(
    url: str, calls: Iterable[tuple[str, bytes, int]], code: Mapping[str, str] | None = None
) -> Iterator[Answer]:
    """`eth_call` of each `(to, data, gas)`, in batches. The order is kept. `code` stands at its addresses meanwhile."""
    overrides = {address: {"code": data} for address, data in (code or {}).items()}
    with httpx.Client(timeout=120) as client:
        for batch in _split(calls):
            requests = [
                {
                    "jsonrpc": "2.0",
                    "id": k,
                    "method": "eth_call",
                    "params": [{"to": to, "data": "0x" + data.hex(), "gas": hex(gas)}, "latest", overrides],
                }
                for k, (to, data, gas) in enumerate(batch)
            ]
            answers: list[dict[str, Any]] = client.post(url, json=requests).raise_for_status().json()
            yield from map(_read_answer, sorted(answers, key=lambda answer: int(answer["id"])))


def _split(calls: Iterable[tuple[str, bytes, int]]) -> Iterator[list[tuple[str, bytes, int]]]:
    """Batches that a node takes: not too many calls, not too many bytes."""
    batch: list[tuple[str, bytes, int]] = []
    size = 0
    for call in calls:
        if batch and (len(batch) == _BATCH or size + len(call[1]) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(call)
        size += len(call[1])
    if batch:
        yield batch


def _read_answer(answer: dict[str, Any]) -> Answer:
    if "result" in answer:
        return Answer(answer["result"])
    error = answer["error"]
    return Answer(error.get("data") or "", error["message"])


@dataclass(frozen=True, slots=True)
class EvmVerifier:
    """`GramVerifier` for the Ethereum SRS."""

    url: str
    address: Address

    @classmethod
    def of(cls, devnet: Devnet, deployment: Deployment) -> "EvmVerifier":
        return cls(devnet.url, deployment.verifier)

    def judge(self, cases: Sequence[Case], gas: int = _GAS) -> list[str]:
        """For each case the name of the custom error, or `ACCEPTED`."""
        calls = ((self.address, encode_call(case), gas) for case in cases)
        return [read_verdict(answer) for answer in call_all(self.url, calls)]


def encode_call(case: Case) -> bytes:
    """The calldata of `IGramVerifier.verify`."""
    return _VERIFY + encode(_TYPES, [case.context, case.n, case.d, case.commitments, case.gram, case.proof])


def read_verdict(answer: Answer) -> str:
    """The name of the custom error, or `ACCEPTED`; anything else that a node may say is no verdict."""
    if not answer.fault:
        assert answer.data == "0x", "verify returns nothing"
        return ACCEPTED
    assert answer.data[:10] in ERRORS, answer
    return ERRORS[answer.data[:10]]
