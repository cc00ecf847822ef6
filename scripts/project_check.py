"""What is wrong with a project before it exists: everything at once, each as one line that says where.

Three circles: the file by itself, the owner's private data against it, and the chain that it is meant for.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from steelyard.chain.client import Marketplace
from steelyard.chain.deploy import Deployment
from steelyard.chain.gas_model import MAX_COMMITMENTS, compute_blocks
from steelyard.chain.records import AggregatorTerms
from steelyard.chain.token import Token
from steelyard.errors import ConfigError, ProtocolError
from steelyard.rounds.project_file import ChainTerms, ProjectFile, find_schema_faults, load_project_file, read_document
from steelyard.rules import get_on_chain_rule
from steelyard.spec import ProjectSpec
from steelyard.types import Address

ETHEREUM_POWERS: Final = 4_096
MAX_AMOUNT: Final = 2**128 - 1


def find_file_faults(path: Path) -> list[str]:
    """What is wrong with a project file by itself: its schema, what its figures mean together, its initial model.

    Raises:
      ConfigError: it cannot be read at all.
    """
    document = read_document(path)
    faults = find_schema_faults(document)
    if isinstance(document.get("chain"), dict) and not any(fault.startswith("chain") for fault in faults):
        faults += _find_term_faults(ChainTerms(**document["chain"]))
    if faults:
        return faults
    project = load_project_file(path)
    spec = project.parse_spec()
    faults += _find_joint_faults(project.chain, spec)
    try:
        project.read_initial_model(spec)
    except ProtocolError as error:
        faults.append(str(error))
    return faults


def _find_term_faults(terms: ChainTerms) -> Iterator[str]:
    if terms.min_trainers > terms.max_trainers:
        yield f"chain.min_trainers: {terms.min_trainers} are more than max_trainers, {terms.max_trainers}"
    if int(terms.budget) < terms.rounds:
        yield f"chain.budget: {terms.budget} units do not give each of {terms.rounds:,} rounds one"
    for name in ("budget", "min_stake", "aggregator_stake"):
        if int(getattr(terms, name)) > MAX_AMOUNT:
            yield f"chain.{name}: more than 2^128 - 1 units"


def _find_joint_faults(terms: ChainTerms, spec: ProjectSpec) -> Iterator[str]:
    rows = terms.max_trainers + get_on_chain_rule(terms.rule).rooted
    blocks = compute_blocks(spec.model.dimension, ETHEREUM_POWERS)
    if rows * blocks > MAX_COMMITMENTS:
        yield (
            f"spec.model: {spec.model.dimension:,} parameters are {blocks} blocks, {rows} rows of them "
            f"{rows * blocks:,} commitments; a settlement carries {MAX_COMMITMENTS:,}"
        )


def find_data_faults(project: ProjectFile, source: str) -> list[str]:
    """What keeps the data of a source from being trained or evaluated on in this project."""
    from trainer_client.data import conform, load_dataset  # noqa: PLC0415 - scikit-learn, not wanted otherwise

    try:
        data = conform(load_dataset(source), project.parse_spec().data)
    except ConfigError as error:
        return [f"data: {error}"]
    missing = ", ".join(map(str, data.missing_classes))
    return [f"data: no example of class {missing}"] if missing else []


def find_chain_faults(
    project: ProjectFile, marketplace: Marketplace, deployment: Deployment, token: Token, owner: Address | None
) -> list[str]:
    """What the chain would refuse, or would let fail later: lists of what is offered, balances, aggregators.

    Args:
      project: without faults of its own.
      marketplace: that it is meant for.
      deployment: the file about it.
      token: of budget and stakes.
      owner: who pays; balances are not looked at if nobody is named.

    Raises:
      ChainError: the node does not answer.
    """
    terms, spec = project.chain, project.parse_spec()
    faults = []
    if terms.rule not in deployment.rules or not marketplace.is_offered(deployment.rules[terms.rule]):
        faults.append(f"chain.rule: this marketplace offers {', '.join(deployment.rules)}, not {terms.rule}")
    if not marketplace.is_offered(deployment.verifier):
        faults.append(f"deployment: the marketplace does not offer the verifier {deployment.verifier}")
    if owner is not None:
        faults += _find_balance_faults(int(terms.budget), marketplace, token, owner)
    willing = _find_willing(terms, spec.model.dimension, marketplace, token.address)
    if terms.aggregator and terms.aggregator.lower() not in {account.lower() for account in willing}:
        faults.append(f"chain.aggregator: {terms.aggregator} does not offer itself on these terms")
    elif not willing:
        faults.append("chain: no aggregator offers itself for this token on these terms; the first attempts would fail")
    return faults


def _find_balance_faults(budget: int, marketplace: Marketplace, token: Token, owner: Address) -> Iterator[str]:
    balance = token.get_balance(owner)
    if balance < budget:
        yield f"chain.budget: {owner} has {balance} units of {token.get_symbol()}, the budget is {budget}"
    if not marketplace.get_ether(owner):
        yield f"account: {owner} has no ether for gas"


def _find_willing(terms: ChainTerms, dimension: int, marketplace: Marketplace, token: Address) -> list[Address]:
    """The aggregators whose offer the project meets, and whose free stake is enough."""

    def is_willing(account: Address, offer: AggregatorTerms | None) -> bool:
        return (
            offer is not None
            and offer.max_stake >= int(terms.aggregator_stake)
            and offer.max_dimension >= dimension
            and offer.min_settle_seconds <= terms.settle_seconds
            and offer.min_fee_bps <= terms.aggregator_fee_bps
            and marketplace.get_stake(account, token).free >= int(terms.aggregator_stake)
        )

    return [
        account
        for account in marketplace.get_aggregators(token)
        if is_willing(account, marketplace.get_aggregator_terms(account, token))
    ]
