"""A project's terms: read from the chain and the store, and checked before anybody works for it."""

from collections.abc import Mapping
from dataclasses import dataclass

from steelyard.chain.client import Contract, Marketplace
from steelyard.chain.deploy import Deployment
from steelyard.chain.records import ProjectParams
from steelyard.errors import ConfigError, WrongChainError
from steelyard.gram import Srs, load_srs_by_digest
from steelyard.rules.registry import ON_CHAIN_RULES, Rule
from steelyard.spec import MAX_SPEC_BYTES, ProjectSpec, decode_project_spec
from steelyard.storage import BlobStore
from steelyard.types import Address, ProjectId
from steelyard.updates.encryption import PayloadContext


@dataclass(frozen=True, slots=True)
class ProjectTerms:
    """What does not change while a project runs."""

    chain_id: int
    marketplace: Address
    project_id: ProjectId
    params: ProjectParams
    spec: ProjectSpec
    rule: Rule
    srs: Srs

    def payload_context(self, round_index: int, trainer: Address) -> PayloadContext:
        """What a trainer's payload of a round is for."""
        return PayloadContext(self.chain_id, self.marketplace, self.project_id, round_index, trainer)


def open_project(
    marketplace: Marketplace, deployment: Deployment, store: BlobStore, project_id: ProjectId
) -> ProjectTerms:
    """Reads a project and checks that its rule, its verifier and its specification are ones to work for.

    Raises:
      UnknownProjectError: there is none with this id.
      WrongChainError: its rule or verifier is not one that the marketplace offers and the deployment file names.
      ConfigError: this version does not know the rule or the verifier's reference string.
      SpecError: the specification is malformed, or about a model of another size.
      StorageError, BlobMismatchError: the store does not hand the specification out.
    """
    project = marketplace.get_project(project_id)
    params = project.params
    rule = _find_rule(marketplace, deployment.rules, params.rule)
    if rule.rooted != project.rooted:
        raise WrongChainError(
            f"the rule `{rule.name}` needs {'a' if rule.rooted else 'no'} root, the chain says otherwise"
        )
    srs = _find_srs(marketplace, deployment, params.verifier)
    spec = decode_project_spec(store.get(params.spec_cid, MAX_SPEC_BYTES))
    if spec.model.dimension != params.dimension:
        raise ConfigError(
            f"the specification's model has {spec.model.dimension:,} parameters, "
            f"the project on chain {params.dimension:,}"
        )
    return ProjectTerms(marketplace.chain_id, marketplace.address, project_id, params, spec, rule, srs)


def _find_rule(marketplace: Marketplace, rules: Mapping[str, Address], address: Address) -> Rule:
    name = next((name for name, known in rules.items() if known == address), None)
    if name is None or not marketplace.is_offered(address):
        raise WrongChainError(f"the project's rule {address} is not one that this marketplace offers")
    on_chain = Contract(marketplace.web3, address, "IWeighingRule").read(str, "name")
    if on_chain != name:
        raise WrongChainError(f"the deployment file calls {address} `{name}`, it calls itself `{on_chain}`")
    if name not in ON_CHAIN_RULES:
        raise ConfigError(f"this version does not know the rule `{name}`; it knows {', '.join(ON_CHAIN_RULES)}")
    return ON_CHAIN_RULES[name]


def _find_srs(marketplace: Marketplace, deployment: Deployment, address: Address) -> Srs:
    if address != deployment.verifier or not marketplace.is_offered(address):
        raise WrongChainError(f"the project's verifier {address} is not one that this marketplace offers")
    srs = load_srs_by_digest(deployment.srs_digest)
    powers = Contract(marketplace.web3, address, "IGramVerifier").read(int, "powers")
    if powers != srs.powers:
        raise WrongChainError(f"the verifier {address} has {powers:,} powers, the reference string {srs.powers:,}")
    return srs
