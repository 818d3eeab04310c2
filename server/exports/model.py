"""The table of who was put on an event's list out of a file."""

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class ListedGuest(Base):
    """The guest made for somebody on a list; the same list again finds her by the key (sign_up_list.Listed)."""

    __tablename__ = "listed_guest"

    event_id: Mapped[str] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
