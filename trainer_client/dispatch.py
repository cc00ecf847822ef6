"""One update an attempt, from training to the chain: a trainer's submission, or an owner's root.

The order is train → seal → store → journal → post → journal. A process that is killed between any two of them and
started again posts at most one per attempt, because the chain takes no second one and the journal names the first.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from steelyard.chain.records import Round
from steelyard.chain.transactions import Receipt
from steelyard.errors import AccessError, ChainError, MalformedUpdateError, PayloadError, StorageError
from steelyard.rounds.access import get_content_key
from steelyard.rounds.keys import KeyHistory, find_opening
from steelyard.rounds.project import ProjectTerms
from steelyard.rounds.retention import Housekeeper
from steelyard.rounds.submission import Submission
from steelyard.storage import BlobStore
from steelyard.types import Address, Cid, Digest, ProjectId
from trainer_client.data import Dataset
from trainer_client.decision import Action, Attest, Poke, Stop, Wait
from trainer_client.journal import Entry, Journal, Prepared
from trainer_client.model_keeper import ModelKeeper
from trainer_client.preparing import Transform, prepare_submission
from trainer_client.training import TrainingProgress

Report = Callable[[str, Mapping[str, object]], None]
"""Is told what happens: a word for it, and its particulars."""

Post = Callable[[ProjectId, int, Cid, Digest], Receipt]
"""Tells the chain of a stored payload: project, round, identifier, commitment hash."""

_MAX_PAUSE_SECONDS: Final = 30.0


@dataclass(slots=True)
class Dispatch:
    """Makes and posts the updates of one account in one project."""

    project: ProjectTerms
    account: Address
    """Whose updates they are."""
    store: BlobStore
    dataset: Dataset
    journal: Journal
    models: ModelKeeper
    keys: KeyHistory
    post: Post
    unsound: str = "sitting out"
    """What is reported where training gives nothing that may be sent."""
    device: str = "cpu"
    threads: int | None = None
    report: Report = lambda _what, _particulars: None
    progress: Callable[[TrainingProgress], None] = lambda _progress: None
    transform: Transform = lambda delta: delta
    _sealed: tuple[int, Submission] | None = None
    """An attempt and its submission, for as long as the store has not taken it: nobody trains twice for that."""
    _housekeeper: Housekeeper = field(init=False)

    def __post_init__(self) -> None:
        self._housekeeper = Housekeeper(self.store, lambda hold: hold.account == self.account)

    def train(self, current: Round, entry: Entry) -> bool:
        """Trains for an attempt, and posts what came of it. False where there is nothing sound to send.

        Raises:
          ProtocolError: failures of node and store. It may be called again.
        """
        if self._sealed is None or self._sealed[0] != current.attempt:
            submission = self._prepare(current)
            if submission is None:
                return False
            self._sealed = (current.attempt, submission)
        _, submission = self._sealed
        prepared = Prepared(self.store.put(submission.blob), submission.commitment_hash)
        entry = self.journal.record(entry, prepared=prepared)
        self._sealed = None
        self.submit(current, entry, prepared)
        return True

    def submit(self, current: Round, entry: Entry, prepared: Prepared) -> None:
        """Posts what was prepared before, unless the store has lost it: then it is made again at the next look.

        Raises:
          ProtocolError: failures of node and store. It may be called again.
        """
        if not self.store.has(prepared.cid):
            self.report("lost", {"cid": str(prepared.cid)})
            self.journal.record(entry, prepared=None)
            return
        receipt = self.post(self.project.project_id, current.index, prepared.cid, prepared.commitment_hash)
        self.journal.record(entry, submitted_tx=receipt.tx_hash)
        self.report(
            "submitted",
            {
                "round": current.index,
                "attempt": current.attempt,
                "cid": str(prepared.cid),
                "tx": receipt.tx_hash,
                "gas": receipt.gas_used,
            },
        )

    def tidy(self, block: int) -> None:
        """Lets go of own payloads of attempts that are over (`steelyard.rounds.retention`). It can wait."""
        try:
            released = self._housekeeper.tidy(self.models.get_events(), block)
        except StorageError as error:
            self.report("untidy", {"error": str(error)})
        else:
            if released:
                self.report("tidied", {"payloads": released})

    def _prepare(self, current: Round) -> Submission | None:
        model = self.models.sync(current.index)
        opening = find_opening(self.models.get_events(), self.project.project_id, current.attempt)
        key = self.keys.fetch_key(self.store, current.aggregator, self.project.spec.sealing, opening)
        self.report("training", {"round": current.index, "attempt": current.attempt, "aggregator": current.aggregator})
        started = time.monotonic()
        try:
            local, submission = prepare_submission(
                self.project,
                self.account,
                self.dataset,
                model,
                key,
                device=self.device,
                threads=self.threads,
                progress=self.progress,
                transform=self.transform,
                content_key=get_content_key(self.models.access, current.index),
            )
        except (MalformedUpdateError, PayloadError) as error:
            self.report(self.unsound, {"round": current.index, "error": str(error), "hint": error.hint})
            return None
        self.report(
            "trained",
            {
                "round": current.index,
                "loss": local.loss,
                "examples": local.examples,
                "norm": float(np.linalg.norm(local.delta)),
                "seconds": time.monotonic() - started,
            },
        )
        return submission


def run_steps(
    step: Callable[[], Action],
    stop: threading.Event,
    poll_seconds: float,
    report: Report,
    fatal: tuple[type[ChainError], ...],
) -> None:
    """Steps until a step says `Stop` or `stop` is set. Failures of node and store are waited out.

    Args:
      step: looks once, and does what there is to do.
      stop: ends it between two steps.
      poll_seconds: between two looks where there is nothing to do.
      report: told what failed.
      fatal: what no waiting mends.

    Raises:
      ProtocolError: what is `fatal`, and everything that is no failure of node, store or access.
    """
    pause = poll_seconds
    while not stop.is_set():
        try:
            action = step()
        except fatal:
            raise
        except (ChainError, StorageError, AccessError) as error:
            report("trouble", {"error": str(error), "hint": error.hint, "retry_seconds": pause})
            stop.wait(pause)
            pause = min(2 * pause, _MAX_PAUSE_SECONDS)
            continue
        pause = poll_seconds
        if isinstance(action, Stop):
            return
        if isinstance(action, Wait | Attest | Poke):
            stop.wait(pause)
