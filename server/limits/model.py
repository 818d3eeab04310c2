"""The table of buckets; what a crash of PostgreSQL empties, since it is UNLOGGED."""

import datetime as dt

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Bucket(Base):
    """How far ahead of the clock somebody has spent: full again once that has passed. key: a hash, no address."""

    __tablename__ = "bucket"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    full_at: Mapped[dt.datetime]
