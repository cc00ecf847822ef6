"""`steelyard owner evaluate`: how good each global model is on data that only the owner has."""

import csv
import io
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import httpx
import typer
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from scripts.follow import ENDED, count_common, repeat, say
from steelyard.chain.history import EventHistory
from steelyard.cli_support import (
    DEFAULT_DEPLOYMENT,
    DEFAULT_KEYSTORE,
    DEFAULT_RPC_URL,
    DEFAULT_STATE,
    DEFAULT_STORE,
    AsJson,
    Connection,
    DeploymentFile,
    KeystoreFile,
    PassphraseFile,
    RpcUrl,
    StateFolder,
    StoreUrl,
    open_connection,
    open_identity,
    parse_project_id,
    print_json,
    print_lines,
)
from steelyard.errors import ChainUnavailableError, ConfigError
from steelyard.keystore import Identity
from steelyard.rounds.access import open_access
from steelyard.rounds.evaluation import Curve, Point, build_curve
from steelyard.rounds.global_model import GlobalModel, fetch_initial_model, sync_global_model
from steelyard.rounds.project import ProjectTerms, open_project
from steelyard.rounds.records import SettledRound, collect_settled_rounds, select_final
from steelyard.storage import BlobStore, open_store


def format_csv(curve: Curve) -> str:
    """A table for a spreadsheet."""
    text = io.StringIO()
    table = csv.DictWriter(text, ["round", "accuracy", "loss", "examples"], lineterminator="\n")
    table.writeheader()
    table.writerows(point.model_dump() for point in curve.points)
    return text.getvalue()


def write_curve(curve: Curve, folder: Path) -> Path:
    """Writes a curve as JSON and CSV into a folder, and returns the path of the JSON.

    Raises:
      ConfigError: they cannot be written.
    """
    path = folder / f"{curve.project[2:]}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(curve.to_json())
        path.with_suffix(".csv").write_text(format_csv(curve))
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written to: {error.strerror}") from error
    return path


def hand_over(curve: Curve, account: LocalAccount, backend_url: str) -> None:
    """Signs a curve as a wallet signs text (EIP-191), and gives it to a backend.

    Raises:
      ConfigError: the backend refuses it.
      ChainUnavailableError: it does not answer.
    """
    text = curve.to_json()
    signature = account.sign_message(encode_defunct(text=text)).signature
    url = f"{backend_url.rstrip('/')}/v1/projects/{curve.project}/evaluations"
    try:
        answer = httpx.put(url, json={"text": text, "signature": "0x" + bytes(signature).hex()}, timeout=30)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ChainUnavailableError(f"no backend answers at {backend_url}: {error}") from error
    if answer.is_error:
        try:
            reason = answer.json().get("detail")
        except (ValueError, AttributeError):
            reason = None
        raise ConfigError(f"the backend refuses the evaluation: {reason or f'status {answer.status_code}'}")


@dataclass(slots=True)
class Models:
    """The global models of a project one by one, each computed again from the chain; goes on where it stopped.

    A reorganisation may take final rounds back. Then models are computed again from the first one that it left.
    """

    connection: Connection
    store: BlobStore
    terms: ProjectTerms
    identity: Identity | None
    history: EventHistory
    model: GlobalModel | None = None
    _led: list[SettledRound] = field(default_factory=list)
    """The final rounds that led to `model`."""

    def read_new(self, take_back: Callable[[int], None] = lambda _standing: None) -> Iterator[GlobalModel]:
        """Those that have become final since the last call, the initial one first.

        Args:
          take_back: told how many of those before still stand, where some do not.

        Raises:
          AccessError: the project is confidential, and the keys at hand do not open a model.
          StorageError, VerificationError: something is not to be had, or false.
        """
        terms = self.terms
        events = self.history.refresh(self.connection.marketplace.get_block_number())
        access = open_access(terms, self.store, self.identity, lambda: events)

        def lead(model: GlobalModel, records: Sequence[SettledRound]) -> GlobalModel:
            return sync_global_model(model, records, self.store, terms.srs, terms.rule, terms.spec, access)

        final = select_final(collect_settled_rounds(events, terms.project_id))
        standing = count_common([_identify(record) for record in self._led], [_identify(record) for record in final])
        if self.model is None:
            self.model = fetch_initial_model(self.store, terms.spec, access)
            yield self.model
        elif standing < len(self._led):
            take_back(standing + 1)
            self.model = lead(fetch_initial_model(self.store, terms.spec, access), final[:standing])
            del self._led[standing:]
        for record in final[standing:]:
            self.model = lead(self.model, [record])
            self._led.append(record)
            yield self.model


def _identify(record: SettledRound) -> tuple[object, ...]:
    """What a round's model follows from, wherever the round stands in the chain."""
    return record.round_index, record.attempt, record.weights, record.settlement.aggregate_cid


@dataclass(slots=True)
class Evaluator:
    """Tries each model as it becomes final, and keeps the curve up to date."""

    models: Models
    measure: Callable[[GlobalModel], Point]
    keep: Callable[[Curve], None]
    tell: Callable[[Point], None]
    warn: Callable[[str], None]
    points: list[Point] = field(default_factory=list)
    _kept: list[Point] = field(default_factory=list)

    def look(self) -> bool:
        """Tries what is new, and says whether the project had ended before.

        Raises:
          ProtocolError: as `Models.read_new`, and failures to keep. It may be called again.
        """
        terms = self.models.terms
        # Asked first: what became final until then is read afterwards, and nothing is missed.
        has_ended = self.models.connection.marketplace.get_project(terms.project_id).status in ENDED
        for model in self.models.read_new(self._take_back):
            self.points.append(self.measure(model))
            self.tell(self.points[-1])
        if self.points != self._kept:
            self.keep(self.make_curve())
            self._kept = list(self.points)
        return has_ended

    def make_curve(self) -> Curve:
        """The curve so far, as of now."""
        terms = self.models.terms
        return build_curve(terms.chain_id, terms.marketplace, terms.project_id, int(time.time()), self.points)

    def _take_back(self, standing: int) -> None:
        if standing < len(self.points):
            del self.points[standing:]
            self.warn(f"a reorganisation took back the models from round {standing} on")


def evaluate(
    project: Annotated[str, typer.Argument(help="The project's id.", metavar="PROJECT")],
    *,
    data: Annotated[
        str, typer.Option(help="Your validation data, for example `csv:valid.csv?label=diagnosis`.", metavar="SOURCE")
    ],
    follow: Annotated[bool, typer.Option("--follow", help="Go on with each new model until the project ends.")] = False,
    publish: Annotated[
        bool, typer.Option("--publish", help="Put the curve into the store, and say its identifier.")
    ] = False,
    backend: Annotated[
        str | None,
        typer.Option(
            envvar="STEELYARD_BACKEND",
            help="Also give it, signed, to this backend, which shows it with the project.",
            metavar="URL",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where JSON and CSV go; beside the state if not given.", metavar="FOLDER")
    ] = None,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    store_url: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    state: StateFolder = DEFAULT_STATE,
    device: Annotated[str, typer.Option(help="`cpu`, or `cuda` for a GPU.")] = "cpu",
    threads: Annotated[int | None, typer.Option(min=1, help="How many threads it may use.")] = None,
    poll_seconds: Annotated[float, typer.Option(min=0.05, help="How often `--follow` looks at the chain.")] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Try every global model on private validation data, and keep the curve.

    Each model is computed again from the chain, as `model pull` does. The data do not leave this machine: what is kept,
    and published with `--publish` or `--backend`, is accuracy and loss by round. The keystore is opened for
    confidential projects, and to sign for a backend: it takes the owner's word alone. With `--follow` a node or a store
    that does not answer is waited for; a round that a reorganisation takes back is printed again once it is final.

    Example: [bold]steelyard owner evaluate 0x5f… --data 'csv:valid.csv?label=diagnosis' --publish[/bold]
    """
    # torch and scikit-learn, which no other command of the owner's waits for
    from trainer_client.data import conform, load_dataset  # noqa: PLC0415
    from trainer_client.training import evaluate as evaluate_model  # noqa: PLC0415

    connection, project_id, store = (
        open_connection(rpc_url, deployment_file),
        parse_project_id(project),
        open_store(store_url),
    )
    marketplace, deployment = connection.marketplace, connection.deployment
    terms = open_project(marketplace, deployment, store, project_id)
    folder = out or state / "evaluations"
    dataset = conform(load_dataset(data), terms.spec.data)
    identity = open_identity(keystore, passphrase_file) if terms.spec.confidential or backend else None
    history = EventHistory(
        lambda first, last: marketplace.get_events(first, last, project_id=project_id), deployment.block
    )

    def measure(model: GlobalModel) -> Point:
        result = evaluate_model(terms.spec.model, model.parameters, dataset, device=device, threads=threads)
        return Point(round=model.round_index, accuracy=result.accuracy, loss=result.loss, examples=result.examples)

    def keep(curve: Curve) -> None:
        write_curve(curve, folder)
        if backend and identity:
            hand_over(curve, identity.account, backend)

    def tell(point: Point) -> None:
        if as_json:
            print_json(point.model_dump())
        else:
            typer.echo(f"round {point.round:>5}  accuracy {point.accuracy:7.2%}  loss {point.loss:.4f}")

    evaluator = Evaluator(Models(connection, store, terms, identity, history), measure, keep, tell, warn=say)
    if follow:
        repeat(evaluator.look, poll_seconds, threading.Event())
    else:
        evaluator.look()
    curve = evaluator.make_curve()
    path = write_curve(curve, folder)
    cid = store.put(curve.to_json().encode()) if publish else None
    if as_json:
        print_json({"file": path, "cid": cid})
    else:
        print_lines({"curve": path} | ({"published as": cid} if cid else {}))
