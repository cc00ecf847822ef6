"""How much an account may put into storage in a day (UTC). Kept in the database, so that all processes know."""

from typing import Final

from sqlalchemy import delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.errors import QuotaExceededError
from backend.models import ADDRESS, KeptBase
from steelyard.types import Address

DAY: Final = 86_400


class Upload(KeptBase):
    """What an account has put into storage on its last day of doing so.

    Attributes:
      day: days since 1970.
      size: bytes.
    """

    __tablename__ = "uploads"

    account: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    day: Mapped[int]
    size: Mapped[int]


def charge(session: Session, account: Address, size: int, limit: int, now: int) -> None:
    """Counts an upload before it is stored.

    Args:
      size: bytes.
      limit: bytes a day; 0 for any number.
      now: Unix seconds.

    Raises:
      QuotaExceededError: it would be more than `limit` today; nothing is counted.
    """
    day = now // DAY
    session.execute(delete(Upload).where(Upload.day < day))
    used = session.get(Upload, account) or session.merge(Upload(account=account, day=day, size=0))
    if limit and used.size + size > limit:
        raise QuotaExceededError(account, used.size, limit, (day + 1) * DAY - now)
    used.size += size
