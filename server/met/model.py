"""Tables of who was heard near whom at a gathering, who may be told, and who wants nothing more of somebody."""

import datetime as dt

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Met(Base):
    """Two members' badges were heard in the same zone at a gathering for so long together; a row for each of the two.

    Whether they may know it is asked when it is read (server/met/reading.py). A guest who turns out to be a member may
    leave a row of hers with herself, which nobody reads.
    """

    __tablename__ = "met"

    event_id: Mapped[str] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    other_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    ms: Mapped[int]


class MetSwitch(Base):
    """What a member answered: may people she met learn it, and she of them? Without a row she was never asked."""

    __tablename__ = "met_switch"

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    willing: Mapped[bool]
    at: Mapped[dt.datetime]


class MetWithout(Base):
    """A member wants to know nothing more of somebody, nor be known to her: it hides them from each other for good."""

    __tablename__ = "met_without"

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    other_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    at: Mapped[dt.datetime]
