"""Puts Steelyard's contracts on a chain, and the deployment file that tells everybody where they are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from eth_utils.address import is_checksum_address
from pydantic_core import from_json

from steelyard.chain.artifacts import load_artifact
from steelyard.chain.client import Contract, Marketplace
from steelyard.chain.codec import encode_arguments
from steelyard.chain.reverts import PrecompilesUnavailableError
from steelyard.chain.transactions import Receipt, Sender
from steelyard.errors import ConfigError, WrongChainError
from steelyard.types import Address

RULES = ("ScreenClipNnmMultiKrum", "ClipNnmMultiKrum", "MultiKrum", "Mean", "Nna", "FlTrust")
"""Artifacts of the rules that a marketplace offers, the default first."""

UNBONDING_SECONDS = 7 * 24 * 3600
"""Default delay of a withdrawal."""

_VERSION = 1


@dataclass(frozen=True, slots=True)
class SrsPoints:
    """What a verifier contract needs of a structured reference string of `powers` powers.

    Points as docs/proof.md section 2 encodes them, 128 bytes in G1 and 256 in G2; `digest` is the SHA-256 that the
    string is pinned by, in hex.
    """

    powers: int
    g1_one: bytes
    g1_tau: bytes
    blinding: bytes
    g2_one: bytes
    g2_tau: bytes
    g2_tau2: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the contracts stand. `block` is the marketplace's first; `rules` maps a rule's name to its contract.

    `token` is the test token of a devnet, None elsewhere.
    """

    chain_id: int
    marketplace: Address
    verifier: Address
    rules: Mapping[str, Address]
    block: int
    srs_digest: str
    token: Address | None = None

    def dump(self) -> str:
        """The text of a deployment file."""
        return (
            json.dumps(
                {
                    "version": _VERSION,
                    "chainId": self.chain_id,
                    "marketplace": self.marketplace,
                    "verifier": self.verifier,
                    "rules": dict(self.rules),
                    "block": self.block,
                    "srsDigest": self.srs_digest,
                    "token": self.token,
                },
                indent=2,
            )
            + "\n"
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads what `dump` wrote.

        Raises:
          ConfigError: not JSON, a member missing, unknown or of a wrong type, an address without a valid checksum.
        """
        try:
            raw = from_json(text)
        except ValueError as error:
            raise ConfigError(f"the deployment file is not JSON: {error}") from error
        members = {"version", "chainId", "marketplace", "verifier", "rules", "block", "srsDigest", "token"}
        if not isinstance(raw, dict) or set(raw) != members:
            raise ConfigError(f"a deployment file has exactly the members {', '.join(sorted(members))}")
        if raw["version"] != _VERSION:
            raise ConfigError(f"the deployment file has version {raw['version']}, this program reads {_VERSION}")
        if not isinstance(raw["rules"], dict) or not raw["rules"]:
            raise ConfigError("the deployment file names no rules")
        if not isinstance(raw["srsDigest"], str):
            raise ConfigError("srsDigest in the deployment file is no text")
        return cls(
            chain_id=_parse_count("chainId", raw["chainId"]),
            marketplace=_parse_address("marketplace", raw["marketplace"]),
            verifier=_parse_address("verifier", raw["verifier"]),
            rules={name: _parse_address(name, address) for name, address in raw["rules"].items()},
            block=_parse_count("block", raw["block"]),
            srs_digest=raw["srsDigest"],
            token=None if raw["token"] is None else _parse_address("token", raw["token"]),
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a deployment file.

        Raises:
          ConfigError: it cannot be read, or as `parse`.
        """
        try:
            return cls.parse(path.read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the deployment file {path}: {error}") from error


def deploy_contract(sender: Sender, artifact: str, *arguments: object) -> Receipt:
    """Deploys one contract; the receipt has its `contract_address`.

    Raises:
      TransactionRevertedError: its constructor reverted.
    """
    compiled = load_artifact(artifact)
    data = compiled.bytecode
    constructor = next((entry for entry in compiled.abi if entry["type"] == "constructor"), None)
    if constructor is not None:
        data += encode_arguments(constructor, arguments)
    return sender.send(None, data)


def deploy(
    sender: Sender, srs: SrsPoints, *, unbonding_seconds: int = UNBONDING_SECONDS, token: Address | None = None
) -> Deployment:
    """Deploys the verifier for an SRS, all rules, and the marketplace that offers them.

    Raises:
      WrongChainError: the chain lacks the BLS12-381 precompiles of EIP-2537.
      TransactionRevertedError: a constructor refuses, for example points that are no powers of one secret.
    """
    points = (srs.g1_one, srs.g1_tau, srs.blinding, srs.g2_one, srs.g2_tau, srs.g2_tau2)
    try:
        verifier = _address_of(deploy_contract(sender, "GramVerifier", srs.powers, points))
    except PrecompilesUnavailableError as error:
        raise WrongChainError(
            "this chain lacks the BLS12-381 precompiles of EIP-2537: it must be at the Prague hard fork or later"
        ) from error
    rules = {}
    for artifact in RULES:
        address = _address_of(deploy_contract(sender, artifact))
        rules[Contract(sender.web3, address, "IWeighingRule").read(str, "name")] = address
    receipt = deploy_contract(sender, "Steelyard", [verifier], list(rules.values()), unbonding_seconds)
    marketplace = Marketplace(sender.web3, _address_of(receipt))
    return Deployment(
        chain_id=marketplace.chain_id,
        marketplace=marketplace.address,
        verifier=verifier,
        rules=rules,
        block=receipt.block_number,
        srs_digest=srs.digest,
        token=token,
    )


def deploy_test_token(sender: Sender) -> Address:
    """Deploys the token that anybody may mint, for devnets."""
    return _address_of(deploy_contract(sender, "TestToken"))


def _address_of(receipt: Receipt) -> Address:
    if receipt.contract_address is None:
        raise WrongChainError(f"{receipt.tx_hash} deployed nothing")
    return receipt.contract_address


def _parse_address(name: str, value: Any) -> Address:
    if not isinstance(value, str) or not is_checksum_address(value):
        raise ConfigError(f"{name} in the deployment file is no checksummed address: {value}")
    return Address(value)


def _parse_count(name: str, value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ConfigError(f"{name} in the deployment file is no count: {value}")
    return value
