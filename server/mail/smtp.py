"""Hands one letter to the mail server of the settings."""

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from config.settings import Mail
from server.mail.model import Letter

# An address within a header that is broken into two lines is none to a mailbox: as long as RFC 5322 2.1.1 allows.
_WHOLE_LINES = policy.SMTP.clone(max_line_length=998)


class Later(Exception):
    """The mail server is away or asks to try again."""


class Never(Exception):
    """The mail server will not take this letter, now or later."""


def send(letter: Letter, mail: Mail) -> None:
    """Sends a letter; raises Later, Never."""
    message = EmailMessage(_WHOLE_LINES)
    name, sender = parseaddr(mail.sender)
    message["From"] = Address(name, addr_spec=sender)
    message["To"] = Address(addr_spec=letter.address)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(letter.made_at)
    # The same at every attempt: should it go out twice, many mailboxes show it once.
    message["Message-ID"] = f"<muster-{letter.id}-{letter.made_at:%Y%m%d%H%M%S%f}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    for header, value in letter.headers.items():
        message[header] = value
    message.set_content(letter.text)
    try:
        with connect(mail) as server:
            server.send_message(message, sender, [letter.address])
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise _refusal(code, said) from None
    except smtplib.SMTPAuthenticationError as error:
        # The operator's password is wrong, not the letter: it goes out once that is put right.
        raise Later(_sentence(error.smtp_code, error.smtp_error)) from None
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code, error.smtp_error) from None
    except (smtplib.SMTPException, OSError) as error:
        raise Later(str(error) or type(error).__name__) from None


@contextlib.contextmanager
def connect(mail: Mail) -> Iterator[smtplib.SMTP]:
    """A connection that is signed in; raises smtplib.SMTPException, OSError."""
    if mail.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            mail.host, mail.port, timeout=mail.timeout_s, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout_s)
    try:
        if mail.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if mail.user:
            server.login(mail.user, mail.password)
        yield server
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()  # it has taken the letter: how it says goodbye changes nothing
    finally:
        server.close()


def _refusal(code: int, said: bytes | str) -> Exception:
    return Never(_sentence(code, said)) if 500 <= code < 600 else Later(_sentence(code, said))


def _sentence(code: int, said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(text.split())}"[:500]
