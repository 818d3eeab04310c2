"""Says under which account a service runs, where that account can keep its data, and how it dies with its parent."""

import hashlib
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Used only as root and only when the account cannot enter the folder, for example below a home directory of mode 0700.
ELSEWHERE = Path("/var/lib/muster")


class AccountError(RuntimeError):
    """A service has no account or folder to run in: the message says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of this machine."""

    name: str
    uid: int
    gid: int


def service_account(name: str) -> Account | None:
    """The account that a service must run under, None when it can run as whoever runs this.

    Only root needs one: PostgreSQL refuses to run as root, and nothing else should.
    Raises AccountError when there is no such account.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise AccountError(
            f"the account {name} is missing: install the distribution's package that brings it (make setup)"
        ) from None
    return Account(name, entry.pw_uid, entry.pw_gid)


def with_parent(command: list[str], *, account: Account | None = None, death_signal: str = "TERM") -> list[str]:
    """The command, run under the account, and sent death_signal when this process, its parent, dies in any way."""
    prefix = ["setpriv", "--pdeathsig", death_signal]
    if account is not None:
        prefix += ["--reuid", str(account.uid), "--regid", str(account.gid), "--clear-groups"]
    # A parent that died before it was watched is not told of: then nothing is run.
    return [*prefix, "--", "sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"', str(os.getpid()), *command]


def make_folder(folder: Path, name: str, account: Account | None) -> Path:
    """Makes the data folder `name` in `folder`, or below /var/lib/muster when the account cannot reach it there.

    In the second case a note in `folder` says where the data is. Raises AccountError when neither can be made.
    """
    folder = folder.resolve()
    data = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if account is None:
            data.mkdir(mode=0o700, exist_ok=True)
            return data
        # Others may pass through, not look around: what is secret in here is 0600 itself.
        folder.chmod(folder.stat().st_mode | 0o011)
        if not _may_enter(account, folder):
            data = ELSEWHERE / hashlib.sha256(str(folder).encode()).hexdigest()[:16] / name
            (folder / f"{name}.txt").write_text(
                f"The account {account.name} cannot enter this folder, so its data is in\n{data}\n"
            )
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(data, account.uid, account.gid)
    except OSError as error:
        raise AccountError(f"the folder {data} cannot be made: {error.strerror}") from None
    return data


def write_private(path: Path, text: str, account: Account | None) -> None:
    """Writes a file that only the account (or, without one, whoever runs this) may read."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _may_enter(account: Account, folder: Path) -> bool:
    return subprocess.run(with_parent(["test", "-x", str(folder)], account=account), check=False).returncode == 0
