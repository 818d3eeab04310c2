"""Tables of members, how they prove who they are, their sessions, tokens and roles."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class Member(Base):
    """Somebody known. The id never changes, the name may.

    guest: let in without an account, and forgotten some time after her last event unless she leaves an e-mail address.
    """

    __tablename__ = "member"
    __table_args__ = (
        Index("uq_member_email", text("lower(email)"), unique=True),
        CheckConstraint("language IN ('en', 'zh')", name="language_is_spoken_here"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text, server_default="")
    email: Mapped[str | None] = mapped_column(Text)
    guest: Mapped[bool] = mapped_column(server_default="false")
    # None: as her browser says.
    language: Mapped[str | None] = mapped_column(Text)
    time_zone: Mapped[str | None] = mapped_column(Text)
    operator: Mapped[bool] = mapped_column(server_default="false")
    simulated: Mapped[bool] = mapped_column(server_default="false")
    # Shown as a card on the demonstration's sign-in page, in this order.
    demo_order: Mapped[int | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(server_default="1")


class SignInSession(Base):
    """A browser that is signed in; only the SHA-256 of its token is kept.

    number: by which its member names it. browser: a few words on it. how: by what it was let in. seen_at: to the hour.
    """

    __tablename__ = "session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    number: Mapped[int] = mapped_column(Identity(always=True), unique=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]
    browser: Mapped[str] = mapped_column(Text, server_default="")
    how: Mapped[str] = mapped_column(Text, server_default="")


class SignInLink(Base):
    """A link that signs in once; only the SHA-256 of its token is kept."""

    __tablename__ = "sign_in_link"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]


class Proof(Base):
    """The newest question to an e-mail address: who has its six digits, or opens its link, is whose address it is.

    Only hashes are kept: of the digits together with the asker's token, which alone makes them worth guessing. for_id:
    the member who wants the address to be hers; None: somebody who wants to sign in. tries: of its digits, so far.
    """

    __tablename__ = "proof"

    address: Mapped[str] = mapped_column(Text, primary_key=True)
    asked_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    link_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    for_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    language: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
    tries: Mapped[int] = mapped_column(server_default="0")


class Passkey(Base):
    """A key that a phone or computer keeps for its owner; ours is the public half (WebAuthn Level 3)."""

    __tablename__ = "passkey"

    number: Mapped[int] = mapped_column(primary_key=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(Text)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int]
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text))
    made_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]


class Challenge(Base):
    """What a passkey has to sign, once. member_id: who adds one; None: somebody who signs in with one."""

    __tablename__ = "challenge"

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    member_id: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[dt.datetime]


class Password(Base):
    """A password, where the operator allows them; hashed with argon2id."""

    __tablename__ = "password"

    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    hash: Mapped[str] = mapped_column(Text)
    set_at: Mapped[dt.datetime]


class ApiToken(Base):
    """What a program acts as a member with; only the SHA-256 of it is kept."""

    __tablename__ = "api_token"

    number: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(Text)
    made_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]


class Role(Base):
    """Somebody helps to run a venue (staff), an event or a community (host), beside whose it is.

    called: what whoever gave it wrote of her, so that a list of helpers tells nobody a name.
    """

    __tablename__ = "role"
    __table_args__ = (CheckConstraint("kind IN ('venue', 'event', 'community')", name="kind_is_known"),)

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    of_id: Mapped[str] = mapped_column(Text, primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True, index=True)
    called: Mapped[str] = mapped_column(Text, server_default="")
    given_by: Mapped[str | None] = mapped_column(ForeignKey("member.id", ondelete="SET NULL"), index=True)
    given_at: Mapped[dt.datetime]
