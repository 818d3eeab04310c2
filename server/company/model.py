"""Tables of where members are who want to know of company, as cells, and of who is near whom."""

import datetime as dt

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class CompanyCell(Base):
    """The cell in which somebody who wants to know of company was last: beside positions, so that it has an index."""

    __tablename__ = "company_cell"
    __table_args__ = (
        Index("ix_company_cell_cell", "cell"),
        Index("ix_company_cell_at", "at"),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    cell: Mapped[int]
    at: Mapped[dt.datetime]


class Encounter(Base):
    """Two are near each other, one row for both, until `ended_at`. told: both were; otherwise neither was.

    The two are in no order. Whether they may know it is asked whenever it is read. A guest who turns out to be a member
    may leave a row of hers with herself, which nobody reads.
    """

    __tablename__ = "encounter"
    __table_args__ = (
        Index(
            "uq_encounter_one_lasts",
            text("least(one_id, other_id)"),
            text("greatest(one_id, other_id)"),
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_encounter_one_id_began_at", "one_id", "began_at"),
        Index("ix_encounter_other_id_began_at", "other_id", "began_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    one_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    other_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    began_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    told: Mapped[bool] = mapped_column(server_default="false")
