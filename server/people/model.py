"""Tables of members, their sessions and one-time sign-in links."""

import datetime as dt

from sqlalchemy import ForeignKey, LargeBinary, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Member(Base):
    """Somebody known. The id never changes, the name may."""

    __tablename__ = "member"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text, server_default="")
    operator: Mapped[bool] = mapped_column(server_default="false")
    simulated: Mapped[bool] = mapped_column(server_default="false")
    # Shown as a card on the demonstration's sign-in page, in this order.
    demo_order: Mapped[int | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class SignInSession(Base):
    """A browser that is signed in; only the SHA-256 of its token is kept."""

    __tablename__ = "session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]


class SignInLink(Base):
    """A link that signs in once; only the SHA-256 of its token is kept."""

    __tablename__ = "sign_in_link"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
