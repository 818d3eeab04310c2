"""The table of letters."""

import datetime as dt

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Letter(Base):
    """One letter. Its text is emptied as soon as it was sent or given up: it may hold a code.

    expires_at: not sent after that. sent_at: taken by the mail server. refused: what the mail server said when it will
    never take it. said: what kept it from being sent the last time. headers: more than every letter has.
    """

    __tablename__ = "letter"

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    made_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    sent_at: Mapped[dt.datetime | None]
    refused: Mapped[str | None] = mapped_column(Text)
    said: Mapped[str | None] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(server_default="0")
    headers: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
