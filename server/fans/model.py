"""The table of the secret that rounded numbers are shifted by."""

from sqlalchemy import CheckConstraint, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class FanRounding(Base):
    """The one secret of this server for `rounding.offset_of`; made when it is first needed."""

    __tablename__ = "fan_rounding"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
