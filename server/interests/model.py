"""Tables of interests, and of the members who have them."""

import datetime as dt

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Interest(Base):
    """A word of the vocabulary. The id never changes, its names may. retired_at: kept where it is, offered no more."""

    __tablename__ = "interest"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name_en: Mapped[str] = mapped_column(Text)
    name_zh: Mapped[str] = mapped_column(Text)
    retired_at: Mapped[dt.datetime | None]
    version: Mapped[int] = mapped_column(server_default="1")


class MemberInterest(Base):
    """A member has an interest."""

    __tablename__ = "member_interest"

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    interest_id: Mapped[str] = mapped_column(
        ForeignKey("interest.id", ondelete="CASCADE"), primary_key=True, index=True
    )
