"""`steelyard trainer …`: everything a trainer does, from keys to pay."""

import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steelyard.chain.events import TrainerLeft
from steelyard.chain.records import ProjectStatus
from steelyard.cli_money import Money, claim, get_token_address, mount, unbond, withdraw
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
    create_app,
    format_duration,
    open_connection,
    open_identity,
    parse_address,
    parse_amount,
    parse_project_id,
    print_json,
    print_lines,
    stderr,
    with_amounts,
)
from steelyard.errors import ConfigError
from steelyard.keystore import (
    LIGHT_SCRYPT_N,
    STRONG_SCRYPT_N,
    Identity,
    generate_identity,
    get_passphrase,
    read_address,
    write_keystore,
)
from steelyard.storage import open_store
from steelyard.types import Address
from trainer_client.attestation import ObjectWhen

if TYPE_CHECKING:
    from steelyard.rounds.project import ProjectTerms

app = create_app("Train at home, send encrypted updates, be paid by contribution.")

ProjectArgument = Annotated[str, typer.Argument(help="The project's id, 0x and 64 hexadecimal digits.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command()
def init(
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment: DeploymentFile = DEFAULT_DEPLOYMENT,
    store: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    register: Annotated[bool, typer.Option(help="Register the encryption keys on chain; needs ether for gas.")] = False,
    stake: Annotated[str | None, typer.Option(help="Deposit so many tokens as stake.", metavar="TOKENS")] = None,
    token: Annotated[str | None, typer.Option(help="The token; the deployment's own if not given.")] = None,
    light_kdf: Annotated[
        bool, typer.Option("--light-kdf", help="Cheap key derivation. Only for keys of a local chain.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make an account, and prepare it on chain if asked. A keystore that exists is used as it is.

    Example: `steelyard trainer init`, send the address some ether and tokens, then
    `steelyard trainer init --register --stake 100`.
    """
    identity = _make_identity(keystore, passphrase_file, LIGHT_SCRYPT_N if light_kdf else STRONG_SCRYPT_N)
    result: dict[str, object] = {
        "address": identity.address,
        "publicKey": identity.public_key,
        "keystore": str(keystore),
    }
    if register or stake is not None:
        from steelyard.rounds.keys import register_keys  # noqa: PLC0415
        from trainer_client.account import deposit_stake  # noqa: PLC0415

        connection = open_connection(rpc_url, deployment, identity)
        if register:
            hashes = register_keys(connection.marketplace, open_store(store), identity)
            result["registered"] = hashes[-1] if hashes else "before"
        if stake is not None:
            money = Money(connection, get_token_address(connection, token))
            receipt = deposit_stake(connection.marketplace, money.token, identity, parse_amount(stake, money.decimals))
            result["deposited"] = receipt.tx_hash
    (print_json if as_json else print_lines)(result)


def _make_identity(keystore: Path, passphrase_file: Path | None, scrypt_n: int) -> Identity:
    if keystore.exists():
        return open_identity(keystore, passphrase_file)
    identity = generate_identity()
    write_keystore(keystore, identity, get_passphrase(file=passphrase_file, confirm=True), scrypt_n=scrypt_n)
    stderr.print(f"made {keystore}: keep a copy of it and of its passphrase, nobody can restore them", markup=False)
    return identity


@app.command()
def enrol(
    project: ProjectArgument,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment: DeploymentFile = DEFAULT_DEPLOYMENT,
    store: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    deposit: Annotated[bool, typer.Option("--deposit", help="Deposit what is missing of the stake first.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Show what a project asks and pays, then join it and lock its stake.

    Example: `steelyard trainer enrol 0x5f… --deposit`.
    """
    from steelyard.rounds.keys import register_keys  # noqa: PLC0415
    from steelyard.rounds.project import open_project  # noqa: PLC0415
    from trainer_client.account import compute_missing_stake, deposit_stake  # noqa: PLC0415
    from trainer_client.offer import compute_offer  # noqa: PLC0415

    if as_json and not yes:
        raise ConfigError("with `--json` nobody can be asked: add `--yes` to lock the stake")
    identity = open_identity(keystore, passphrase_file)
    connection = open_connection(rpc_url, deployment, identity)
    market = connection.marketplace
    blobs = open_store(store)
    terms = open_project(market, connection.deployment, blobs, parse_project_id(project))
    if terms.spec.confidential:
        identity.get_pair(terms.spec.sealing)  # before anything is locked: without it no model could be read
    offer = compute_offer(terms, market.get_project(terms.project_id))
    money = Money(connection, terms.params.token)
    reputation = market.get_reputation(identity.address)
    missing = compute_missing_stake(market, terms.params.token, identity.address, offer.stake)
    if not as_json:
        left = offer.enrol_deadline - market.get_timestamp()
        print_lines(
            {
                "project": offer.title,
                "task": offer.task.replace("\n", " "),
                "model": f"{offer.model}, {offer.dimension:,} parameters",
                "rule": f"{offer.rule}: weight and pay follow an update that the owner {offer.owner} sends each round"
                if offer.rooted
                else offer.rule,
                "data": f"examples of shape {offer.feature_shape}, {offer.classes} classes",
                "pays": f"{money(offer.pay_per_round)} a round to all trainers together, {offer.rounds} rounds",
                "locks": f"{money(offer.stake)} of stake",
                **{rung.fault.value: rung.describe(money, offer.stake) for rung in offer.ladder},
                "updates": f"sealed for the round's aggregator, {offer.sealing}",
                "models": "confidential: for owner and members" if offer.confidential else "public",
                "a round takes": f"{format_duration(offer.submit_seconds)} to submit, "
                f"{format_duration(offer.settle_seconds)} to settle, {format_duration(offer.attest_seconds)} to attest",
                "reputation": f"{offer.min_reputation_bps / 100:g} % asked, yours is {reputation / 100:g} %",
                "enrolled": f"{offer.enrolled} of {offer.max_trainers}, closes in {format_duration(max(left, 0))}",
                "stake missing": money(missing),
            }
        )
    if missing and not deposit:
        error = ConfigError(f"{money(missing)} of free stake are missing")
        error.hint = "Add `--deposit`, or run `steelyard trainer init --stake` first."
        raise error
    if not yes:
        typer.confirm(f"Lock {money(offer.stake)} and join?", abort=True, err=True)
    register_keys(market, blobs, identity)
    if missing:
        deposit_stake(market, money.token, identity, missing)
    receipt = market.enrol(terms.project_id)
    slot = market.get_slot(terms.project_id, identity.address)
    if as_json:
        terms_asked = with_amounts(asdict(offer), "pay_per_round", "stake")
        terms_asked["ladder"] = [rung.to_json() for rung in offer.ladder]
        print_json({"offer": terms_asked, "address": identity.address, "slot": slot, "tx": receipt.tx_hash})
    else:
        print_lines({"enrolled": f"slot {slot}", "transaction": receipt.tx_hash})


@app.command()
def run(
    project: ProjectArgument,
    *,
    data: Annotated[
        str,
        typer.Option(
            envvar="STEELYARD_TRAINER_DATA",
            help="Your data, for example `csv:patients.csv?label=diagnosis` or `digits:?shard=0/5`.",
        ),
    ],
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment: DeploymentFile = DEFAULT_DEPLOYMENT,
    store: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    state: StateFolder = DEFAULT_STATE,
    device: Annotated[str, typer.Option(envvar="STEELYARD_TRAINER_DEVICE", help="`cpu`, or `cuda` for a GPU.")] = "cpu",
    threads: Annotated[
        int | None, typer.Option(envvar="STEELYARD_TRAINER_THREADS", min=1, help="How many threads training may use.")
    ] = None,
    poll_seconds: Annotated[
        float, typer.Option(envvar="STEELYARD_TRAINER_POLL_SECONDS", min=0.05, help="How often the chain is looked at.")
    ] = 2.0,
    object_when: Annotated[
        ObjectWhen,
        typer.Option(
            envvar="STEELYARD_TRAINER_OBJECT_WHEN",
            help="Object to an aggregate that is `false`, also to one that is still `missing` near the deadline, "
            "or even when the store is `unreachable`.",
        ),
    ] = ObjectWhen.MISSING,
    as_json: AsJson = False,
) -> None:
    """Take part in every round of a project until it ends. May be stopped and started at any time.

    Example: `steelyard trainer run 0x5f… --data 'csv:patients.csv?label=diagnosis'`. The data never leave this machine;
    what is sent is a clipped, quantised update that only the round's aggregator can read. With `--json` each line
    is one event.
    """
    from trainer_client.participant import RunOptions  # noqa: PLC0415
    from trainer_client.session import open_session  # noqa: PLC0415
    from trainer_client.terminal import Narrator, stopping_in_order  # noqa: PLC0415

    identity = open_identity(keystore, passphrase_file)
    connection = open_connection(rpc_url, deployment, identity)
    with (
        Narrator(as_json=as_json) as narrator,
        stopping_in_order(narrator.report),
        open_session(
            connection,
            identity,
            open_store(store),
            parse_project_id(project),
            data,
            state,
            options=RunOptions(device, threads, poll_seconds, object_when=object_when),
            report=narrator.report,
            progress=narrator.progress,
        ) as participant,
    ):
        participant.run(threading.Event())
        _sum_up(connection, participant.project, identity.address, as_json=as_json)


def _sum_up(connection: Connection, project: "ProjectTerms", account: Address, *, as_json: bool) -> None:
    """What an ended project has brought."""
    market = connection.marketplace
    credit = market.get_credit(account, project.params.token)
    members = market.get_members(project.project_id)
    earned = sum(member.earned for member in members if member.account == account)
    reputation = market.get_reputation(account)
    if as_json:
        print_json({"event": "summary", "earned": str(earned), "credit": str(credit), "reputation": reputation})
        return
    money = Money(connection, project.params.token)
    print_lines(
        {
            "earned in rounds": money(earned),
            "claimable now": f"{money(credit)} (`steelyard trainer claim`)",
            "reputation": f"{reputation / 100:g} %",
        }
    )


@app.command()
def status(
    project: Annotated[str | None, typer.Argument(help="A project; without one, the account alone.")] = None,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment: DeploymentFile = DEFAULT_DEPLOYMENT,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    token: Annotated[
        str | None, typer.Option(help="The token; the project's or the deployment's if not given.")
    ] = None,
    trainer: Annotated[str | None, typer.Option(help="Another account than the keystore's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show stake, credit, reputation, strikes and absences, and what the next of each costs. Needs no passphrase.

    Example: `steelyard trainer status 0x5f…`.
    """
    from trainer_client.offer import compute_standing  # noqa: PLC0415

    account = parse_address(trainer) if trainer else read_address(keystore)
    connection = open_connection(rpc_url, deployment)
    market = connection.marketplace
    shown = market.get_project(parse_project_id(project)) if project else None
    money = Money(connection, shown.params.token if shown and not token else get_token_address(connection, token))
    stake = market.get_stake(account, money.token.address)
    record: dict[str, Any] = {
        "address": account,
        "token": money.token.address,
        "reputation": market.get_reputation(account),
        "stake": with_amounts(asdict(stake), "free", "locked", "unbonding"),
        "credit": str(market.get_credit(account, money.token.address)),
        "keyRegistered": market.get_key(account) is not None,
    }
    lines = {
        "account": account,
        "reputation": f"{record['reputation'] / 100:g} %",
        "stake": f"{money(stake.free)} free, {money(stake.locked)} locked, {money(stake.unbonding)} unbonding",
        "claimable": money(int(record["credit"])),
        "encryption key": "registered" if record["keyRegistered"] else "not registered: `trainer init --register`",
    }
    if project and shown:
        project_id = parse_project_id(project)
        current = market.get_round(project_id)
        members = [member for member in market.get_members(project_id) if member.account == account]
        record |= {"project": shown.status.name.lower(), "round": current.index, "phase": current.status.name.lower()}
        lines["project"] = shown.status.name.lower()
        if shown.status is ProjectStatus.RUNNING:
            lines["round"] = f"{current.index + 1} of {shown.params.rounds}, {current.status.name.lower()}"
        if members:
            standing = compute_standing(shown, members[-1], record["reputation"])
            record["standing"] = with_amounts(asdict(standing), "earned", "pending") | {
                "next_absence": standing.next_absence.to_json(),
                "next_strike": standing.next_strike.to_json(),
            }
            next_absence, next_strike = (
                penalty.describe(money, record["reputation"])
                for penalty in (standing.next_absence, standing.next_strike)
            )
            lines |= {
                "member": "active" if standing.active else "no more",
                "earned": f"{money(standing.earned)}, {money(standing.pending)} more if this round becomes final",
                "absences": f"{standing.absences} in a row; {next_absence}",
                "strikes": f"{standing.strikes}; {next_strike}",
            }
        else:
            lines["member"] = "never"
    print_json(record) if as_json else print_lines(lines)


@app.command()
def attest(
    project: ProjectArgument,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment: DeploymentFile = DEFAULT_DEPLOYMENT,
    store: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    state: StateFolder = DEFAULT_STATE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is found. Needs no passphrase.")] = False,
    object_when: Annotated[
        ObjectWhen, typer.Option(help="From which finding on to vote no instead of not at all.")
    ] = ObjectWhen.FALSE,
    as_json: AsJson = False,
) -> None:
    """Check the aggregate of the round that is being attested, and vote on it. `run` does this by itself.

    Example: `steelyard trainer attest 0x5f… --dry-run`.
    """
    from steelyard.rounds.keys import KeyHistory  # noqa: PLC0415
    from steelyard.rounds.project import open_project  # noqa: PLC0415
    from trainer_client.attestation import compute_vote, judge_aggregate, open_for_attesting  # noqa: PLC0415
    from trainer_client.journal import state_folder  # noqa: PLC0415
    from trainer_client.model_keeper import ModelKeeper  # noqa: PLC0415

    identity = None if dry_run else open_identity(keystore, passphrase_file)
    account = identity.address if identity else read_address(keystore)
    connection = open_connection(rpc_url, deployment, identity)
    market, blobs = connection.marketplace, open_store(store)
    terms = open_project(market, connection.deployment, blobs, parse_project_id(project))
    folder = state_folder(state, market.chain_id, market.address, terms.project_id, account)
    keeper = ModelKeeper(market, terms, blobs, connection.deployment.block, folder, identity)
    current = market.get_round(terms.project_id)
    record = keeper.find_settled(current.attempt)
    if record is None:
        raise ConfigError(f"round {current.index} is not settled: it is {current.status.name.lower()}")
    model, access = keeper.sync(current.index), keeper.access
    if identity is not None:
        keys = KeyHistory(market, connection.deployment.block)
        access = open_for_attesting(market, terms, blobs, identity, keys, access, record, keeper.get_events())
    judgement = judge_aggregate(terms, blobs, model, record, access)
    opens = compute_vote(judgement.finding, object_when, is_last_call=True)
    result: dict[str, object] = {
        "round": current.index,
        "finding": judgement.finding.value,
        "reason": judgement.reason,
        "vote": opens,
    }
    if not dry_run and opens is not None:
        result["tx"] = market.attest(terms.project_id, current.index, opens=opens).tx_hash
    (print_json if as_json else print_lines)(result)


@app.command()
def leave(
    project: ProjectArgument,
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment: DeploymentFile = DEFAULT_DEPLOYMENT,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Leave a project: at once while it is enrolling, else when the present attempt ends. The stake is free then.

    Example: `steelyard trainer leave 0x5f…`, and `steelyard trainer unbond` to take the stake out.
    """
    connection = open_connection(rpc_url, deployment, open_identity(keystore, passphrase_file))
    receipt = connection.marketplace.leave(parse_project_id(project))
    at_once = any(isinstance(logged.event, TrainerLeft) for logged in receipt.events)
    if as_json:
        print_json({"left": at_once, "tx": receipt.tx_hash})
    else:
        print_lines({"left": "now" if at_once else "when this attempt ends", "transaction": receipt.tx_hash})


@app.command()
def share(
    project: ProjectArgument,
    reader: Annotated[str, typer.Argument(help="Another member, or the owner.", metavar="ADDRESS")],
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment: DeploymentFile = DEFAULT_DEPLOYMENT,
    store: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Hand the newest model's key of a confidential project to somebody who is due it and was left out.

    Example: `steelyard trainer share 0x5f… 0xabc…`. An aggregator that leaves somebody out cannot hold up the project.
    """
    from steelyard.rounds.handover import open_key_holder  # noqa: PLC0415
    from steelyard.rounds.project import open_project  # noqa: PLC0415

    identity = open_identity(keystore, passphrase_file)
    connection = open_connection(rpc_url, deployment, identity)
    market, blobs, account = connection.marketplace, open_store(store), parse_address(reader)
    terms = open_project(market, connection.deployment, blobs, parse_project_id(project))
    members = [member.account for member in market.get_members(terms.project_id)]
    if account not in (terms.params.owner, *members):
        error = ConfigError(f"{account} is neither the owner nor a member")
        error.hint = "Others are let in by the owner: `steelyard owner grant`."
        raise error
    first_block = connection.deployment.block
    events = market.get_events(first_block, market.get_block_number(), project_id=terms.project_id)
    holder = open_key_holder(market, terms, blobs, identity, events, first_block)
    manifest = holder.publish_manifest([account], [holder.newest])
    receipt = market.publish_keys(terms.project_id, manifest)
    (print_json if as_json else print_lines)({"reader": account, "round": holder.newest, "tx": receipt.tx_hash})


mount(app, claim, unbond, withdraw)


@app.command()
def why(
    project: ProjectArgument,
    round_number: Annotated[int, typer.Argument(metavar="ROUND", min=0, help="The round, from 0.")],
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    deployment: DeploymentFile = DEFAULT_DEPLOYMENT,
    store: StoreUrl = DEFAULT_STORE,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    trainer: Annotated[str | None, typer.Option(help="Another account than the keystore's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Explain a payment from public data: anybody can, for any trainer.

    Example: `steelyard trainer why 0x5f… 3 --trainer 0xabc…`. The round is weighed again from its public matrix, and
    what comes out is compared with what the chain has paid.
    """
    from steelyard.rounds.project import open_project  # noqa: PLC0415
    from trainer_client.why import explain_round, find_round  # noqa: PLC0415

    account = parse_address(trainer) if trainer else read_address(keystore)
    connection = open_connection(rpc_url, deployment)
    market = connection.marketplace
    terms = open_project(market, connection.deployment, open_store(store), parse_project_id(project))
    events = market.get_events(connection.deployment.block, market.get_block_number(), project_id=terms.project_id)
    answer = explain_round(terms, find_round(events, terms.project_id, round_number), account)
    if as_json:
        print_json(answer.to_json())
        return
    for paragraph in answer.render(Money(connection, terms.params.token)):
        typer.echo(paragraph)
