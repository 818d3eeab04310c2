"""Table of what the simulated world says of itself, so that a browser can ask the server for it."""

from typing import Any

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class DemoState(Base):
    """One thing of the simulated world; the world writes it.

    `neighbourhood`, `crowd`, or `person/<member>`, `agent/<id>`, `venue/<id>`.
    """

    __tablename__ = "demo_state"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[dict[str, Any]] = mapped_column(JSONB)
