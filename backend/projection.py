"""Events -> read model. A function of the events and their order alone: no clock, no node, no settings.

`apply` does to the read model what one event says. It is the only writer of projected tables, and never deletes a row.
"""

from dataclasses import dataclass, fields
from functools import singledispatch
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.event_log import Facts, build_row, to_hex
from backend.models import (
    Account,
    Aggregator,
    Attempt,
    Balance,
    Base,
    Member,
    Payment,
    Project,
    Reader,
    ReputationChange,
    Submission,
)
from steelyard.chain import events
from steelyard.chain.events import LoggedEvent
from steelyard.chain.records import (
    CreditKind,
    ExclusionReason,
    LeaveReason,
    ProjectParams,
    ProjectStatus,
    RoundOutcome,
)
from steelyard.constants import INITIAL_REPUTATION, ROOT_INDEX
from steelyard.types import Address, ProjectId


def apply(session: Session, logged: LoggedEvent, facts: Facts) -> None:
    """Adds an event to the log and applies it.

    Args:
      session: an open transaction on the read model as all earlier events left it.
      logged: the event and its place.
      facts: what the chain says beside it.
    """
    session.add(build_row(logged, facts))
    _apply(logged.event, _ReadModel(session, logged, facts))


R = TypeVar("R", bound=Base)


@dataclass(frozen=True, slots=True)
class _ReadModel:
    """The read model as one event's handler sees it."""

    session: Session
    logged: LoggedEvent
    facts: Facts

    @property
    def tx_hash(self) -> str:
        return to_hex(self.logged.tx_hash)

    def get(self, kind: type[R], *key: str | int) -> R | None:
        """A row by its primary key.

        The transaction's session keeps every row that was asked for. By itself it would forget those that are not
        about to change, and would write before it reads: a query and a flush an event.
        """
        rows: dict[tuple[object, ...], R] = self.session.info.setdefault("rows", {})
        row = rows.get((kind, *key))
        if row is None:
            with self.session.no_autoflush:
                row = self.session.get(kind, key)
            if row is not None:
                rows[kind, *key] = row
        return row

    def get_one(self, kind: type[R], *key: str | int) -> R:
        """A row that earlier events must have made."""
        row = self.get(kind, *key)
        if row is None:
            raise LookupError(f"{type(self.logged.event).__name__} without {kind.__name__} {key}")
        return row

    def add(self, row: R, *key: str | int) -> R:
        """A new row."""
        self.session.add(row)
        self.session.info.setdefault("rows", {})[type(row), *key] = row
        return row

    def record(self, log: type[Payment] | type[ReputationChange], **columns: object) -> None:
        """A new row of a log of its own, at this event's place."""
        place = {"block_number": self.logged.block_number, "log_index": self.logged.log_index}
        self.session.add(log(**place, transaction_hash=self.tx_hash, **columns))

    def project(self, project_id: ProjectId) -> Project:
        return self.get_one(Project, to_hex(project_id))

    def member(self, project_id: ProjectId, trainer: str) -> Member:
        return self.get_one(Member, to_hex(project_id), trainer)

    def attempt(self, project_id: ProjectId, attempt: int) -> Attempt:
        return self.get_one(Attempt, to_hex(project_id), attempt)

    def submissions(self, project_id: ProjectId, attempt: int) -> dict[str, Submission]:
        """By trainer, in the order of submission; kept for the transaction, until the next submission."""
        kept: dict[tuple[ProjectId, int], dict[str, Submission]] = self.session.info.setdefault("submissions", {})
        if (project_id, attempt) in kept:
            return kept[project_id, attempt]
        query = (
            select(Submission)
            .where(Submission.project_id == to_hex(project_id), Submission.attempt == attempt)
            .order_by(Submission.position)
        )
        found = {submission.trainer: submission for submission in self.session.scalars(query)}
        kept[project_id, attempt] = found
        return found

    def account(self, address: Address) -> Account:
        known = self.get(Account, address)
        return known or self.add(self._new_account(address), address)

    @staticmethod
    def _new_account(address: Address) -> Account:
        return Account(address=address, key=None, hybrid_digest=None, reputation_bps=INITIAL_REPUTATION)

    def balance(self, account: Address, token: str) -> Balance:
        zeros = dict.fromkeys(("free", "locked", "unbonding", "available_at", "slashed", "credited", "claimed"), 0)
        known = self.get(Balance, account, token)
        return known or self.add(Balance(account=account, token=token, **zeros), account, token)

    def balance_in(self, project_id: ProjectId, account: Address) -> Balance:
        """In the project's token."""
        return self.balance(account, self.project(project_id).token)


@singledispatch
def _apply(event: events.Event, _model: _ReadModel) -> None:
    raise TypeError(f"{type(event).__name__} has no projection")


# ------------------------------------------------------------------------------------------------- keys and stakes


@_apply.register
def _(event: events.KeyRegistered, model: _ReadModel) -> None:
    model.account(event.account).key = to_hex(event.key)


@_apply.register
def _(event: events.HybridKeyRegistered, model: _ReadModel) -> None:
    model.account(event.account).hybrid_digest = to_hex(event.digest)


@_apply.register
def _(event: events.StakeDeposited, model: _ReadModel) -> None:
    model.balance(event.account, event.token).free += event.amount


@_apply.register
def _(event: events.StakeUnbonding, model: _ReadModel) -> None:
    balance = model.balance(event.account, event.token)
    balance.free -= event.amount
    balance.unbonding += event.amount
    balance.available_at = event.available_at


@_apply.register
def _(event: events.StakeWithdrawn, model: _ReadModel) -> None:
    balance = model.balance(event.account, event.token)
    balance.unbonding -= event.amount
    balance.available_at = 0


@_apply.register
def _(event: events.StakeLocked, model: _ReadModel) -> None:
    balance = model.balance_in(event.project_id, event.account)
    balance.free -= event.amount
    balance.locked += event.amount


@_apply.register
def _(event: events.StakeReleased, model: _ReadModel) -> None:
    balance = model.balance_in(event.project_id, event.account)
    balance.locked -= event.amount
    balance.free += event.amount


@_apply.register
def _(event: events.StakeSlashed, model: _ReadModel) -> None:
    balance = model.balance_in(event.project_id, event.account)
    balance.locked -= event.amount
    balance.slashed += event.amount
    model.project(event.project_id).pool += event.to_pool


@_apply.register
def _(event: events.AggregatorRegistered, model: _ReadModel) -> None:
    key = (event.account, event.token)
    offer = model.get(Aggregator, *key) or model.add(Aggregator(account=key[0], token=key[1]), *key)
    offer.registered = True
    offer.offered_block, offer.offered_log = model.logged.block_number, model.logged.log_index
    for field in fields(event.terms):
        setattr(offer, field.name, getattr(event.terms, field.name))


@_apply.register
def _(event: events.AggregatorUnregistered, model: _ReadModel) -> None:
    model.get_one(Aggregator, event.account, event.token).registered = False


# ------------------------------------------------------------------------------------------------- projects


@_apply.register
def _(event: events.ProjectCreated, model: _ReadModel) -> None:
    project_id = to_hex(event.project_id)
    plain = [field.name for field in fields(ProjectParams) if field.name != "spec_cid"]
    model.add(
        Project(
            id=project_id,
            **{name: getattr(event.params, name) for name in plain},
            spec_cid=str(event.params.spec_cid),
            rule_name=model.facts.rule_name,
            rooted=event.rooted,
            powers=model.facts.powers,
            nonce=event.nonce,
            enrol_deadline=event.enrol_deadline,
            created_block=model.logged.block_number,
            created_log=model.logged.log_index,
            transaction_hash=model.tx_hash,
            status=ProjectStatus.ENROLLING,
            active=0,
            round=0,
            attempt=0,
            pool=0,
            pool_split=0,
            paid=0,
            fees=0,
            refund=0,
        ),
        project_id,
    )


@_apply.register
def _(event: events.ProjectStarted, model: _ReadModel) -> None:
    model.project(event.project_id).status = ProjectStatus.RUNNING


@_apply.register
def _(event: events.ProjectEnded, model: _ReadModel) -> None:
    project = model.project(event.project_id)
    project.status = event.status
    project.refund = event.refund
    project.pool, project.pool_split = 0, event.pool


@_apply.register
def _(event: events.TrainerEnrolled, model: _ReadModel) -> None:
    key = (to_hex(event.project_id), event.trainer)
    member = model.get(Member, *key)
    if member is None:
        member = model.add(Member(project_id=key[0], trainer=key[1], earned=0, pool_split=0), *key)
    member.slot, member.leaving, member.left = event.slot, False, LeaveReason.NONE
    member.strikes, member.absences = 0, 0
    model.project(event.project_id).active += 1
    model.account(event.trainer)


@_apply.register
def _(event: events.TrainerLeaving, model: _ReadModel) -> None:
    model.member(event.project_id, event.trainer).leaving = True


@_apply.register
def _(event: events.TrainerLeft, model: _ReadModel) -> None:
    member = model.member(event.project_id, event.trainer)
    member.leaving, member.left = False, event.reason
    model.project(event.project_id).active -= 1


# ------------------------------------------------------------------------------------------------- rounds


@_apply.register
def _(event: events.RoundOpened, model: _ReadModel) -> None:
    project = model.project(event.project_id)
    project.round, project.attempt = event.round, event.attempt
    model.add(
        Attempt(
            project_id=project.id,
            attempt=event.attempt,
            round=event.round,
            aggregator=event.aggregator,
            members=project.active,
            submissions=0,
            has_root=False,
            submit_deadline=event.submit_deadline,
            settle_deadline=event.settle_deadline,
            opened_block=model.logged.block_number,
            opened_transaction=model.tx_hash,
            attesters=0,
            approvals=0,
            objections=0,
            outcome=RoundOutcome.NONE,
            paid=0,
            to_pool=0,
        ),
        project.id,
        event.attempt,
    )


@_apply.register
def _(event: events.UpdateSubmitted, model: _ReadModel) -> None:
    _add_submission(event, model, event.index, event.trainer)
    model.attempt(event.project_id, event.attempt).submissions += 1


@_apply.register
def _(event: events.RootSubmitted, model: _ReadModel) -> None:
    _add_submission(event, model, ROOT_INDEX, event.owner)
    model.attempt(event.project_id, event.attempt).has_root = True


def _add_submission(
    event: events.UpdateSubmitted | events.RootSubmitted, model: _ReadModel, position: int, sender: Address
) -> None:
    model.session.info.get("submissions", {}).pop((event.project_id, event.attempt), None)
    model.session.add(
        Submission(
            project_id=to_hex(event.project_id),
            attempt=event.attempt,
            position=position,
            trainer=sender,
            cid=str(event.cid),
            commitment_hash=to_hex(event.commitment_hash),
            block_number=model.logged.block_number,
            transaction_hash=model.tx_hash,
            excluded=ExclusionReason.NONE,
            opposed=False,
        )
    )


@_apply.register
def _(event: events.RoundSettled, model: _ReadModel) -> None:
    attempt = model.attempt(event.project_id, event.attempt)
    attempt.attest_deadline = event.attest_deadline
    attempt.aggregate_cid = str(event.settlement.aggregate_cid)
    attempt.settled_block = model.logged.block_number
    attempt.settled_transaction = model.tx_hash
    attempt.settled_gas = model.facts.gas_used
    in_order = list(model.submissions(event.project_id, event.attempt).values())
    for exclusion in event.settlement.exclusions:
        in_order[exclusion.index].excluded = exclusion.reason


@_apply.register
def _(event: events.RoundWeighed, model: _ReadModel) -> None:
    attempt = model.attempt(event.project_id, event.attempt)
    attempt.num_byzantine = event.f
    attempt.budget = event.budget
    voters = event.shares if any(event.shares) else event.weights
    attempt.attesters = sum(value > 0 for value in voters)
    submissions = model.submissions(event.project_id, event.attempt)
    for row, trainer in enumerate(event.trainers):
        submission = submissions[trainer]
        submission.row = row
        submission.weight = event.weights[row]
        submission.contribution = event.contributions[row]
        submission.share = event.shares[row]
        submission.opposed = bool(event.opposed >> row & 1)


@_apply.register
def _(event: events.Attested, model: _ReadModel) -> None:
    model.submissions(event.project_id, event.attempt)[event.trainer].opens = event.opens
    attempt = model.attempt(event.project_id, event.attempt)
    if event.opens:
        attempt.approvals += 1
    else:
        attempt.objections += 1


@_apply.register
def _(event: events.RoundClosed, model: _ReadModel) -> None:
    attempt = model.attempt(event.project_id, event.attempt)
    attempt.outcome = event.outcome
    attempt.paid, attempt.to_pool = event.paid, event.to_pool
    attempt.closed_block, attempt.closed_transaction = model.logged.block_number, model.tx_hash
    project = model.project(event.project_id)
    project.pool += event.to_pool
    project.paid += event.paid
    if event.outcome is RoundOutcome.FINAL:
        # The contract forgets the absences of those that were weighed, without an event of its own.
        for submission in model.submissions(event.project_id, event.attempt).values():
            if submission.row is not None and submission.position != ROOT_INDEX:
                model.member(event.project_id, submission.trainer).absences = 0


# ------------------------------------------------------------------------------------------------- trainers and money


@_apply.register
def _(event: events.ReputationUpdated, model: _ReadModel) -> None:
    model.account(event.trainer).reputation_bps = event.current
    model.record(
        ReputationChange,
        trainer=event.trainer,
        project_id=to_hex(event.project_id),
        previous=event.previous,
        current=event.current,
    )


@_apply.register
def _(event: events.StrikeRecorded, model: _ReadModel) -> None:
    model.member(event.project_id, event.trainer).strikes = event.strikes


@_apply.register
def _(event: events.AbsenceRecorded, model: _ReadModel) -> None:
    model.member(event.project_id, event.trainer).absences = event.absences


@_apply.register
def _(event: events.Credited, model: _ReadModel) -> None:
    model.balance(event.account, event.token).credited += event.amount
    if event.kind is CreditKind.SHARE:
        model.member(event.project_id, event.account).earned += event.amount
    elif event.kind is CreditKind.POOL_SPLIT:
        model.member(event.project_id, event.account).pool_split += event.amount
    elif event.kind is CreditKind.FEE:
        model.project(event.project_id).fees += event.amount
    model.record(
        Payment,
        account=event.account,
        kind=event.kind,
        project_id=to_hex(event.project_id),
        token=event.token,
        amount=event.amount,
    )


@_apply.register
def _(event: events.Claimed, model: _ReadModel) -> None:
    model.balance(event.account, event.token).claimed += event.amount
    model.record(Payment, account=event.account, token=event.token, amount=event.amount, recipient=event.recipient)


@_apply.register
def _(event: events.Burned, model: _ReadModel) -> None:
    """Changes nobody's balance: the log alone remembers it."""


# ------------------------------------------------------------------------------------------------- access


@_apply.register
def _(event: events.AccessGranted, model: _ReadModel) -> None:
    key = (to_hex(event.project_id), event.reader)
    reader = model.get(Reader, *key) or model.add(Reader(project_id=key[0], reader=key[1]), *key)
    reader.from_round, reader.manifest_cid = event.from_round, str(event.manifest)
    reader.granted_block, reader.revoked = model.logged.block_number, False


@_apply.register
def _(event: events.AccessRevoked, model: _ReadModel) -> None:
    reader = model.get(Reader, to_hex(event.project_id), event.reader)
    if reader is not None:  # the contract lets an owner revoke what was never granted
        reader.revoked = True


@_apply.register
def _(event: events.KeysPublished, model: _ReadModel) -> None:
    """Changes no row: readers look for manifests in the log."""
