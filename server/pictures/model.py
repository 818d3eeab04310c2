"""The table of pictures."""

import datetime as dt

from sqlalchemy import ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Picture(Base):
    """A picture as we made it, never as it came. id: 128 random bits, all that keeps it from who was not shown it.

    made_by: who brought it first; the same picture is one row. made_at: when it last came, after which one that nothing
    refers to is kept for a day.
    """

    __tablename__ = "picture"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    mime: Mapped[str] = mapped_column(Text)
    width: Mapped[int]
    height: Mapped[int]
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    sha256: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    made_at: Mapped[dt.datetime] = mapped_column(index=True)
    made_by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
