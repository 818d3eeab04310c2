"""What the API says of members."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from server.fields import Incoming, Moment, Name, NewId, OfId, Outgoing, Text
from server.mail.addresses import MOST
from server.people.model import ApiToken, Member, Passkey, Role, SignInSession

Email = Annotated[str, Field(max_length=2 * MOST, description="an e-mail address", examples=["ana@example.org"])]
Code = Annotated[str, Field(max_length=40, description="the six digits of the letter", examples=["471 203"])]
Asked = Annotated[str, Field(max_length=200, description="what asking for the code gave")]
Secret = Annotated[str, Field(max_length=1000)]
Language = Literal["en", "zh"]


class SignIn(Incoming):
    """Whom a visitor of the demonstration chooses to be."""

    member: OfId


class NewMember(Incoming):
    """Somebody to be made known."""

    id: NewId
    name: Name
    about: Text = ""
    operator: bool = False


class MemberOut(Outgoing):
    """A member, to herself and to the operator who makes her known."""

    id: str
    name: str
    about: str
    operator: bool
    simulated: bool


class KnownOut(Outgoing):
    """A member to operators: that she is here, and what of; her name is hers to show."""

    id: str
    guest: bool
    operator: bool
    simulated: bool
    created_at: Moment


class OperatorOut(Outgoing):
    """One who runs this server."""

    member: str


class MeOut(MemberOut):
    """You. guest: let in without an account; language, time_zone: none as your browser says."""

    email: str | None
    guest: bool
    language: str | None
    time_zone: str | None


class MeChange(Incoming):
    """What to change of yourself; what is left out stays."""

    name: Name | None = None
    about: Annotated[str, Field(max_length=2000)] | None = None
    language: Language | None = None
    time_zone: Annotated[str, Field(max_length=64, description="an IANA name", examples=["Europe/Berlin"])] | None = (
        None
    )


class AskCode(Incoming):
    """Where to send a code."""

    email: Email
    language: Language | None = None


class AskedOut(Outgoing):
    """What to send back with the code."""

    asked: str
    expires_at: Moment


class UseCode(Incoming):
    """A code, and what asking for it gave."""

    asked: Asked
    code: Code


class UsePassword(Incoming):
    """An address and its password."""

    email: Email
    password: Secret


class NewPassword(Incoming):
    """The password to be. current: the one before, unless you signed in with a code or passkey just now."""

    password: Secret
    current: Secret | None = None


class PasskeyAnswer(BaseModel):
    """What an authenticator answered; base64url. Which fields there are depends on what it was asked."""

    clientDataJSON: str = Field(max_length=8_000)  # noqa: N815 -- WebAuthn's names
    attestationObject: str | None = Field(None, max_length=40_000)  # noqa: N815
    authenticatorData: str | None = Field(None, max_length=4_000)  # noqa: N815
    signature: str | None = Field(None, max_length=4_000)
    userHandle: str | None = Field(None, max_length=200)  # noqa: N815
    transports: list[Annotated[str, Field(max_length=40)]] = Field(default_factory=list, max_length=20)


class PasskeyCredential(BaseModel):
    """A PublicKeyCredential as JSON (its toJSON); what muster does not read is passed over."""

    id: Annotated[str, Field(max_length=1_400, description="base64url, at most 1,023 bytes")]
    rawId: Annotated[str, Field(max_length=1_400)]  # noqa: N815 -- WebAuthn's name
    type: Literal["public-key"]
    response: PasskeyAnswer


class Credential(Incoming):
    """What the browser made of a passkey. name: what to call a new one."""

    credential: PasskeyCredential
    name: Name = "Passkey"


class NewName(Incoming):
    """What to call it."""

    name: Name


class PasskeyOut(Outgoing):
    """One of your passkeys."""

    number: int
    name: str
    made_at: Moment
    used_at: Moment | None


class SessionOut(Outgoing):
    """A browser that you are signed in with. this: the one that asks. seen_at: to the hour."""

    number: int
    browser: str
    how: str
    created_at: Moment
    seen_at: Moment
    expires_at: Moment
    this: bool


class NewToken(Incoming):
    """A token to be; it ends within a year."""

    name: Name
    ends_at: Moment


class TokenOut(Outgoing):
    """One of your tokens."""

    number: int
    name: str
    made_at: Moment
    ends_at: Moment
    used_at: Moment | None


class TokenMade(TokenOut):
    """A new token. token: shown this once, sent as `Authorization: Bearer mst_...`."""

    token: str


class HelperOut(Outgoing):
    """Somebody who helps to run this. called: what whoever gave her the part calls her."""

    member: str
    called: str
    given_at: Moment


class NewHelper(Incoming):
    """What to call her in the list of helpers; her id if this is empty."""

    called: Name = ""


class RoleOut(Outgoing):
    """What you help to run."""

    kind: Literal["venue", "event", "community"]
    id: str
    given_at: Moment


class LinkOut(Outgoing):
    """A link that signs in once."""

    url: str
    expires_at: Moment


def show(member: Member) -> MemberOut:
    """A member as the API shows her."""
    return MemberOut(
        id=member.id,
        name=member.name,
        about=member.about,
        operator=member.operator,
        simulated=member.simulated,
    )


def show_known(member: Member) -> KnownOut:
    """A member as operators see her."""
    return KnownOut(
        id=member.id,
        guest=member.guest,
        operator=member.operator,
        simulated=member.simulated,
        created_at=member.created_at,
    )


def show_me(member: Member) -> MeOut:
    """A member as the API shows her to herself."""
    return MeOut(
        **show(member).model_dump(),
        email=member.email,
        guest=member.guest,
        language=member.language,
        time_zone=member.time_zone,
    )


def show_passkey(passkey: Passkey) -> PasskeyOut:
    """A passkey as its owner sees it."""
    return PasskeyOut(number=passkey.number, name=passkey.name, made_at=passkey.made_at, used_at=passkey.used_at)


def show_session(row: SignInSession, this: bool) -> SessionOut:
    """A session as its member sees it."""
    return SessionOut(
        number=row.number,
        browser=row.browser,
        how=row.how,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        this=this,
    )


def show_token(token: ApiToken) -> TokenOut:
    """A token as its member sees it."""
    return TokenOut(
        number=token.number, name=token.name, made_at=token.made_at, ends_at=token.ends_at, used_at=token.used_at
    )


def show_helper(role: Role) -> HelperOut:
    """A helper as those see her who run the thing."""
    return HelperOut(member=role.member_id, called=role.called, given_at=role.given_at)
