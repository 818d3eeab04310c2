"""Table of receipts: that somebody was erased, and what; not who."""

import datetime as dt

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Erasure(Base):
    """Somebody was erased. number: random, on her receipt; counts: table -> how many rows were hers."""

    __tablename__ = "erasure"

    number: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[dt.datetime]
    counts: Mapped[dict[str, int]] = mapped_column(JSONB)
