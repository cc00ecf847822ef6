"""A project as its owner writes it: one TOML file with what the chain enforces and what the trainers read.

```toml
[chain]
budget = "1000000000000000000000"   # in the token's smallest unit; text, since TOML integers end at 2^63
rounds = 5
min_trainers = 5
max_trainers = 7
min_stake = "50000000000000000000"
byzantine_bps = 3000
# … see `steelyard owner init`

[spec]
title = "Hand-written digits"
# … model, data, training schedule, quantisation
```
"""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, TypeAdapter, field_validator, model_validator

from steelyard.chain.deploy import Deployment
from steelyard.chain.records import ZERO_ADDRESS, ProjectParams
from steelyard.constants import MAX_TRAINERS
from steelyard.errors import ConfigError, SpecError
from steelyard.models.initial import compute_initial_parameters
from steelyard.models.safetensors_io import decode_model, encode_model
from steelyard.rules import DEFAULT_RULE, get_on_chain_rule
from steelyard.spec import MAX_SPEC_BYTES, ProjectSpec, encode_project_spec, parse_project_spec
from steelyard.spec.strict import StrictModel, validate_json
from steelyard.storage import BlobStore, compute_cid
from steelyard.types import Address, Cid

Amount = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,38})$")]
Bps = Annotated[int, Field(ge=0, le=10_000)]
Seconds = Annotated[int, Field(ge=30, le=30 * 24 * 3600)]
Account = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]


class ChainTerms(StrictModel):
    """What the contract enforces. Bounds are the contract's; `docs/protocol.md` says what each is for."""

    budget: Amount
    rounds: Annotated[int, Field(ge=1, le=65_535)]
    min_trainers: Annotated[int, Field(ge=3, le=32)]
    max_trainers: Annotated[int, Field(ge=3, le=32)]
    min_reputation_bps: Bps = 0
    byzantine_bps: Annotated[int, Field(ge=0, le=5_000)] = 3_000
    min_stake: Amount
    aggregator_fee_bps: Bps = 500
    slash_bps: Bps = 5_000
    max_strikes: Annotated[int, Field(ge=1, le=255)] = 3
    max_absences: Annotated[int, Field(ge=1, le=255)] = 3
    aggregator_stake: Amount
    aggregator_slash_bps: Bps = 5_000
    enrol_seconds: Seconds = 7 * 24 * 3600
    submit_seconds: Seconds = 24 * 3600
    settle_seconds: Seconds = 6 * 3600
    attest_seconds: Seconds = 6 * 3600
    rule: str = DEFAULT_RULE.name
    aggregator: Account | None = None

    @field_validator("rule")
    @classmethod
    def _check_rule(cls, name: str) -> str:
        return get_on_chain_rule(name).name

    @model_validator(mode="after")
    def _check_room_for_the_root(self) -> Self:
        if get_on_chain_rule(self.rule).rooted and self.max_trainers == MAX_TRAINERS:
            most = MAX_TRAINERS - 1
            raise ValueError(f"max_trainers: the rule {self.rule!r} takes {most} trainers at most, and your root")
        return self

    def build_params(self, owner: Address, token: Address, deployment: Deployment, spec: ProjectSpec) -> ProjectParams:
        """The parameters to create the project with.

        Raises:
          ConfigError: the marketplace does not offer the rule.
        """
        if self.rule not in deployment.rules:
            raise ConfigError(f"this marketplace offers {', '.join(deployment.rules)}, not {self.rule}")
        return ProjectParams(
            owner=owner,
            token=token,
            budget=int(self.budget),
            rounds=self.rounds,
            min_trainers=self.min_trainers,
            max_trainers=self.max_trainers,
            min_reputation_bps=self.min_reputation_bps,
            byzantine_bps=self.byzantine_bps,
            min_stake=int(self.min_stake),
            aggregator_fee_bps=self.aggregator_fee_bps,
            slash_bps=self.slash_bps,
            max_strikes=self.max_strikes,
            max_absences=self.max_absences,
            aggregator_stake=int(self.aggregator_stake),
            aggregator_slash_bps=self.aggregator_slash_bps,
            enrol_seconds=self.enrol_seconds,
            submit_seconds=self.submit_seconds,
            settle_seconds=self.settle_seconds,
            attest_seconds=self.attest_seconds,
            dimension=spec.model.dimension,
            rule=deployment.rules[self.rule],
            verifier=deployment.verifier,
            aggregator=Address(self.aggregator) if self.aggregator else ZERO_ADDRESS,
            spec_cid=compute_spec_cid(spec),
        )


class ProjectFile(StrictModel):
    """The parsed file. `spec` is completed and checked by `prepare`."""

    chain: ChainTerms
    spec: dict[str, Any]
    initial_seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the initial parameters: two owners with the same seed start from the same model."""
    initial_file: str | None = None
    """A safetensors file to start from instead, such as one trained before; found from the project file's folder."""

    def prepare(self, store: BlobStore, seal: Callable[[bytes], bytes] = lambda content: content) -> ProjectSpec:
        """Stores the initial model and the specification, and returns the latter.

        Args:
          store: where they go.
          seal: encrypts the model of a confidential project.

        Raises:
          SpecError: the `[spec]` table breaks its schema.
          ConfigError, MalformedModelError: the initial model's file cannot be read, or is of another model.
          StorageError: the store cannot take them.
        """
        spec = self.parse_spec()
        initial = self.read_initial_model(spec)
        spec = spec.model_copy(update={"initial_model": store.put(seal(initial) if spec.confidential else initial)})
        store.put(encode_project_spec(spec))
        return spec

    def parse_spec(self) -> ProjectSpec:
        """The specification, its initial model still to be named.

        Raises:
          SpecError: the `[spec]` table breaks its schema.
        """
        return parse_project_spec(_to_json({**self.spec, "version": 1, "initial_model": str(compute_cid(b""))}))

    def read_initial_model(self, spec: ProjectSpec) -> bytes:
        """The safetensors file that the project starts from: `initial_file`, or that of the seed.

        Raises:
          ConfigError, MalformedModelError: the file cannot be read, or is of another model.
        """
        shapes = spec.model.shapes
        if self.initial_file is None:
            return encode_model(compute_initial_parameters(spec.model, self.initial_seed), shapes)
        try:
            content = Path(self.initial_file).read_bytes()
        except OSError as error:
            raise ConfigError(f"initial_file: {self.initial_file} cannot be read: {error.strerror}") from error
        decode_model(content, shapes)
        return content

    def build_params(self, owner: Address, token: Address, deployment: Deployment, spec: ProjectSpec) -> ProjectParams:
        """As `ChainTerms.build_params`."""
        return self.chain.build_params(owner, token, deployment, spec)


def compute_spec_cid(spec: ProjectSpec) -> Cid:
    """The identifier of the canonical text of a specification."""
    return compute_cid(encode_project_spec(spec))


def load_project_file(path: Path) -> ProjectFile:
    """Reads a project file.

    Raises:
      ConfigError: it cannot be read or is not TOML.
      SpecError: it breaks the schema; the message has the path of each wrong field.
    """
    return validate_json(TypeAdapter(ProjectFile), _to_json(read_document(path)))


def read_document(path: Path) -> dict[str, Any]:
    """The tables of a project file, unchecked but for their size. `initial_file` is found from the file's folder.

    Raises:
      ConfigError: it cannot be read or is not TOML.
    """
    try:
        data = path.read_bytes()
        if len(data) > MAX_SPEC_BYTES:
            raise ConfigError(f"{path} has {len(data):,} bytes, a project file has {MAX_SPEC_BYTES:,} at most")
        document = tomllib.loads(data.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
    if isinstance(document.get("initial_file"), str):
        document["initial_file"] = str(path.parent / document["initial_file"])
    return document


def find_schema_faults(document: dict[str, Any]) -> list[str]:
    """Everything that breaks the schema of a project file, in both tables at once."""
    faults: list[str] = []
    spec = document.get("spec")
    try:
        validate_json(TypeAdapter(ProjectFile), _to_json(document))
    except SpecError as error:
        faults += error.faults
    if isinstance(spec, dict):
        try:
            parse_project_spec(_to_json({**spec, "version": 1, "initial_model": str(compute_cid(b""))}))
        except SpecError as error:
            faults += [f"spec.{fault}" for fault in error.faults]
    return faults


def _to_json(document: object) -> str:
    """TOML knows dates, which no field of ours is."""
    return json.dumps(document, default=str)
