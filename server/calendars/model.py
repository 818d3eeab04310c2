"""The table of members' secret links to their calendars."""

import datetime as dt

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class CalendarLink(Base):
    """A member's link: who has it reads what she signed up for. Kept as it is, since it can be shown again."""

    __tablename__ = "calendar_link"

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str] = mapped_column(Text, unique=True)
    made_at: Mapped[dt.datetime]
