"""Evaluations that owners publish: signed by the project's owner, the newest replacing those before it."""

import time
from dataclasses import dataclass
from typing import Final

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.errors import EvaluationRefusedError, NotAllowedError, StaleEvaluationError
from backend.models import ADDRESS, HASH, Cursor, KeptBase, Project
from steelyard.rounds.evaluation import Curve
from steelyard.storage import compute_cid
from steelyard.types import Address

CLOCK_SKEW_SECONDS: Final = 60
"""How far an owner's clock may be ahead."""


class Evaluation(KeptBase):
    """The newest evaluation of a project.

    Attributes:
      cid: of the text; an owner that also stored it finds it by this.
      text: `steelyard.rounds.evaluation.Curve` as JSON, to the byte as it was signed.
    """

    __tablename__ = "evaluations"

    project_id: Mapped[str] = mapped_column(HASH, primary_key=True)
    issued_at: Mapped[int]
    account: Mapped[str] = mapped_column(ADDRESS)
    cid: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True, slots=True)
class SignedCurve:
    """A curve, its text, and the owner's signature in 0x-hex."""

    curve: Curve
    text: str
    signature: str
    account: Address


def check_place(curve: Curve, cursor: Cursor | None, project: Project) -> None:
    """Holds a curve against the chain and project that it is published for.

    Raises:
      EvaluationRefusedError: it is of another chain, contract or project, has more rounds, or is of the future.
    """
    chain_id, marketplace = (None, "") if cursor is None else (cursor.chain_id, cursor.marketplace)
    if (curve.chain_id, curve.marketplace.lower()) != (chain_id, marketplace.lower()):
        raise EvaluationRefusedError(f"it is of marketplace {curve.marketplace} on chain {curve.chain_id}")
    if curve.project != project.id:
        raise EvaluationRefusedError(f"it is of project {curve.project}")
    if curve.points and curve.points[-1].round > project.rounds:
        raise EvaluationRefusedError(f"it has a round {curve.points[-1].round}, the project has {project.rounds}")
    if curve.issued_at > time.time() + CLOCK_SKEW_SECONDS:
        raise EvaluationRefusedError("it was issued in the future")


def publish(session: Session, signed: SignedCurve) -> Evaluation:
    """Keeps an evaluation in place of an older one.

    Raises:
      NotAllowedError: the account is not the project's owner.
      StaleEvaluationError: one as new as this is known, and it is another.
    """
    project = session.get_one(Project, signed.curve.project)
    if signed.account != project.owner:
        raise NotAllowedError(f"{signed.account} is not the owner of project {project.id}")
    known, cid = session.get(Evaluation, project.id), str(compute_cid(signed.text.encode()))
    if known is not None and known.issued_at >= signed.curve.issued_at:
        if known.cid == cid:
            return known
        raise StaleEvaluationError(known.issued_at)
    return session.merge(
        Evaluation(
            project_id=project.id,
            issued_at=signed.curve.issued_at,
            account=signed.account,
            cid=cid,
            text=signed.text,
            signature=signed.signature,
        )
    )
