"""Sets the stage: contracts, tokens, keys, stakes, offers, and a funded project with everybody enrolled."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.demo.cast import Cast
from scripts.deploy import load_ethereum_srs_points
from scripts.owner import create_project
from steelyard.chain.client import Marketplace
from steelyard.chain.deploy import Deployment, deploy, deploy_test_token
from steelyard.chain.devnet import Devnet
from steelyard.chain.records import AggregatorTerms
from steelyard.chain.token import Token
from steelyard.chain.transactions import Sender, SendPolicy
from steelyard.cli_support import Connection
from steelyard.keystore import LIGHT_SCRYPT_N, Identity, make_identity, write_keystore
from steelyard.rounds.keys import register_keys
from steelyard.rounds.project_file import ProjectFile, load_project_file
from steelyard.spec import ProjectSpec
from steelyard.storage import BlobStore, open_store
from steelyard.types import Address, ProjectId

PASSPHRASE: Final = "demo"  # noqa: S105 - of keys that are publicly known
OWNER: Final = "Owner"
KEEPER: Final = "Keeper"


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the demo keeps what it makes."""

    root: Path

    @property
    def deployment(self) -> Path:
        return self.root / "deployment.json"

    @property
    def passphrase(self) -> Path:
        return self.root / "passphrase"

    @property
    def store(self) -> Path:
        return self.root / "blobs"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def evidence(self) -> Path:
        return self.root / "evidence"

    @property
    def database(self) -> Path:
        return self.root / "backend.sqlite3"

    def keystore(self, name: str) -> Path:
        return self.root / "keys" / f"{name.lower()}.json"

    def state(self, name: str) -> Path:
        return self.root / "state" / name.lower()


@dataclass(frozen=True, slots=True)
class StoreUrls:
    """Where the blobs of the cast lie."""

    trainers: str
    others: str
    """Of owner, aggregators, backend and whoever watches."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A project that is ready to start."""

    cast: Cast
    devnet: Devnet
    paths: Paths
    deployment: Deployment
    identities: dict[str, Identity]
    project_file: ProjectFile
    project_id: ProjectId
    spec: ProjectSpec
    store_urls: StoreUrls
    balances_before: dict[str, int]
    """Tokens of everybody before the first stake and the budget were paid in."""

    @property
    def token_address(self) -> Address:
        if self.deployment.token is None:
            raise RuntimeError("a devnet's deployment has a token")
        return self.deployment.token

    def connect(self, name: str | None = None) -> Connection:
        """A connection as one of the cast, or without a sender."""
        web3 = self.devnet.web3
        sender = Sender(web3, self.identities[name].account, _policy()) if name else None
        return Connection(self.deployment, Marketplace(web3, self.deployment.marketplace, sender=sender))

    def open_store(self) -> BlobStore:
        return open_store(self.store_urls.others)

    def get_token(self) -> Token:
        return Token(self.devnet.web3, self.token_address)

    def environment(self, name: str) -> dict[str, str]:
        """The environment that a program of this member of the cast runs in."""
        trainers = {role.name for role in self.cast.trainers}
        return {
            "STEELYARD_RPC_URL": self.devnet.url,
            "STEELYARD_DEPLOYMENT": str(self.paths.deployment),
            "STEELYARD_STORE": self.store_urls.trainers if name in trainers else self.store_urls.others,
            "STEELYARD_KEYSTORE": str(self.paths.keystore(name)),
            "STEELYARD_PASSPHRASE_FILE": str(self.paths.passphrase),
            "STEELYARD_STATE": str(self.paths.state(name)),
            "STEELYARD_BACKEND_DATABASE_URL": f"sqlite:///{self.paths.database}",
            # Two cores are shared by eleven programs.
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        }


def set_stage(cast: Cast, devnet: Devnet, paths: Paths, store_urls: StoreUrls | None = None) -> Stage:
    """Deploys, funds, registers, creates the project and enrols everybody. Without URLs they share a directory."""
    shared = f"local:{paths.store}"
    store_urls = store_urls or StoreUrls(shared, shared)
    identities = _make_identities(cast, devnet, paths)
    web3 = devnet.web3
    owner = Sender(web3, identities[OWNER].account, _policy())
    token_address = deploy_test_token(owner)
    deployment = deploy(owner, load_ethereum_srs_points(), token=token_address)
    paths.deployment.write_text(deployment.dump())
    project_file = load_project_file(cast.project_file)
    terms = project_file.chain

    token = Token(web3, token_address, sender=owner)
    grants = {OWNER: int(terms.budget)}
    grants |= {role.name: int(terms.min_stake) for role in cast.trainers}
    grants |= {name: 2 * int(terms.aggregator_stake) for name in cast.aggregators}
    for name, amount in grants.items():
        token.mint(identities[name].address, amount)

    store = open_store(store_urls.others)

    def join(name: str) -> Marketplace:
        sender = Sender(web3, identities[name].account, _policy())
        marketplace = Marketplace(web3, deployment.marketplace, sender=sender)
        register_keys(marketplace, store, identities[name])
        token.as_sender(sender).approve(deployment.marketplace, grants[name])
        marketplace.deposit(token_address, grants[name])
        return marketplace

    for name in cast.aggregators:
        offer = AggregatorTerms(int(terms.aggregator_stake), 1_000_000, terms.settle_seconds, 0)
        join(name).register_aggregator(token_address, offer)
    connection = Connection(deployment, Marketplace(web3, deployment.marketplace, sender=owner))
    project_id, spec = create_project(connection, project_file, store, token_address)
    for role in cast.trainers:
        join(role.name).enrol(project_id)
    before = grants | {KEEPER: 0}
    return Stage(cast, devnet, paths, deployment, identities, project_file, project_id, spec, store_urls, before)


def _make_identities(cast: Cast, devnet: Devnet, paths: Paths) -> dict[str, Identity]:
    """Accounts of the devnet's mnemonic, so that the demo plays the same way each time, with fresh encryption keys."""
    names = (OWNER, KEEPER, *cast.aggregators, *(role.name for role in cast.trainers))
    identities = {name: make_identity(devnet.account(index)) for index, name in enumerate(names)}
    paths.root.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(paths.passphrase, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(PASSPHRASE)
    for name, identity in identities.items():
        write_keystore(paths.keystore(name), identity, PASSPHRASE, scrypt_n=LIGHT_SCRYPT_N)
    return identities


def _policy() -> SendPolicy:
    return SendPolicy(poll_seconds=0.05)
