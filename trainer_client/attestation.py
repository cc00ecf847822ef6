"""Whether a published aggregate is what it should be, and what to vote when that cannot be found out.

A trainer says yes if the aggregate opens its commitment, shows that the committed vectors are short where the project
asks for it, and names exactly the model that the trainer computes itself.
It says no if the aggregate is there and false. In between, two cases are told apart:

- *missing*: the store answers, and does not have it. To publish is the aggregator's duty, and without the aggregate
  nobody can train on. By default that is a no, shortly before the deadline.
- *unreachable*: the store does not answer, or hands out other bytes. The fault may be the trainer's own connection, and
  a no may cost an honest aggregator its stake. By default the trainer is silent; more than half have to object anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from steelyard.chain.client import Marketplace
from steelyard.chain.events import LoggedEvent
from steelyard.errors import (
    AccessError,
    BlobMismatchError,
    BlobNotFoundError,
    BlobTooLargeError,
    EvidenceError,
    StorageError,
    VerificationError,
)
from steelyard.keystore import Identity
from steelyard.rounds.access import PLAIN, Access, AttesterAccess, SealedAccess, find_attempt_readers, wrap_for
from steelyard.rounds.global_model import (
    GlobalModel,
    advance,
    encode_published_model,
    fetch_aggregate,
    verify_published_model,
)
from steelyard.rounds.keys import KeyHistory
from steelyard.rounds.project import ProjectTerms
from steelyard.rounds.records import SettledRound
from steelyard.storage import BlobStore
from steelyard.types import Address


class Finding(Enum):
    """What is known about an aggregate."""

    TRUE = "true"
    FALSE = "false"
    MISSING = "missing"
    UNREACHABLE = "unreachable"


class ObjectWhen(Enum):
    """From which finding on a trainer objects once there is no time left to try again."""

    FALSE = "false"
    MISSING = "missing"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A finding and its reason, in words."""

    finding: Finding
    reason: str = ""


def judge_aggregate(
    project: ProjectTerms, store: BlobStore, model: GlobalModel, record: SettledRound, access: Access = PLAIN
) -> Judgement:
    """Downloads and checks the aggregate of a settled round.

    Of a confidential project, the model that a true aggregate leads to is put back into the store where it is missing:
    the next aggregator starts from it, and cannot compute it by itself.

    Args:
      project: the project.
      store: where the aggregate should be.
      model: the global model that the round started from.
      record: the settled round.
      access: how the project is read.

    Raises:
      EvidenceError: the chain's weights are not what this program's rule gives. That is no fault of the aggregator.
    """
    try:
        aggregate = fetch_aggregate(store, project.srs, project.spec, record, access)
        following = advance(model, record, aggregate, project.rule, project.spec)
    except BlobNotFoundError as error:
        return Judgement(Finding.MISSING, str(error))
    except BlobTooLargeError as error:
        return Judgement(Finding.FALSE, str(error))
    except (StorageError, BlobMismatchError) as error:
        return Judgement(Finding.UNREACHABLE, str(error))
    except EvidenceError:
        raise
    except VerificationError as error:
        return Judgement(Finding.FALSE, str(error))
    try:
        verify_published_model(following, aggregate, project.spec, access)
    except BlobMismatchError as error:
        return Judgement(Finding.FALSE, f"it names the next model {error.cid}, and leads to {error.got}")
    if project.spec.confidential and not store.has(aggregate.next_model):
        store.put(encode_published_model(following, project.spec, access))
    return Judgement(Finding.TRUE)


def open_for_attesting(
    marketplace: Marketplace,
    project: ProjectTerms,
    store: BlobStore,
    identity: Identity,
    keys: KeyHistory,
    access: Access,
    record: SettledRound,
    events: Sequence[LoggedEvent],
) -> Access:
    """How a member reads the aggregate that it judges: strictly, where the project is confidential.

    Args:
      marketplace: the project's.
      project: the project.
      store: where its blobs are.
      identity: the member.
      keys: registrations of keys.
      access: how the member reads otherwise.
      record: the settled round.
      events: the project's.

    Raises:
      ChainError: the node did not answer.
    """
    if not isinstance(access, SealedAccess):
        return access
    members = marketplace.get_members(project.project_id)
    following = record.round_index + 1
    readers, allowed = find_attempt_readers(events, project.project_id, record.attempt, following)
    due = (project.params.owner, *(member.account for member in members if member.active), *readers)

    def has_usable_key(account: Address) -> bool:
        try:
            key = keys.fetch_key(store, account, project.spec.sealing)
        except (AccessError, StorageError, BlobMismatchError):
            return False
        return wrap_for(project, following, bytes(32), {account: key})[account] != b""

    return AttesterAccess(access, project, identity, due, allowed, has_usable_key)


def compute_vote(finding: Finding, object_when: ObjectWhen, *, is_last_call: bool) -> bool | None:
    """The vote that a finding leads to; None for not voting, or not yet.

    Args:
      finding: what is known.
      object_when: how much has to be wrong for an objection.
      is_last_call: whether the deadline is so near that trying again makes no sense.
    """
    match finding:
        case Finding.TRUE:
            return True
        case Finding.FALSE:
            return False
        case Finding.MISSING if is_last_call and object_when is not ObjectWhen.FALSE:
            return False
        case Finding.UNREACHABLE if is_last_call and object_when is ObjectWhen.UNREACHABLE:
            return False
        case _:
            return None
