"""The arguments that the verbs share: captures, keys, key logs, the form of the output."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tlswire.escaping import escape
from tlswire.values import Value, frozen

if TYPE_CHECKING:
    from tlswire.crypto import Secrets

MOST_PROBLEMS = 5  # of a key log, that are told one by one

F = TypeVar("F", bound=Callable[..., Any])


@frozen
class SecretFiles(Value):
    """The files from which a command takes its secrets."""

    keys: tuple[str, ...] = ()
    password_file: str | None = None
    key_logs: tuple[str, ...] = ()

    @property
    def given(self) -> bool:
        """True when there is any."""
        return bool(self.keys or self.key_logs)

    @property
    def paths(self) -> list[str]:
        """All files that are read for them."""
        return [*self.keys, *self.key_logs, *([] if self.password_file is None else [self.password_file])]

    def load(self) -> Secrets:
        """Reads them all; raises SecretsError."""
        from tlswire.capture import load_key_log, load_server_keys, read_password
        from tlswire.cli.screen import note
        from tlswire.crypto import Secrets

        password = read_password(self.password_file) if self.password_file is not None else None
        secrets = Secrets([one for key in self.keys for one in load_server_keys(key, password)])
        for file in self.key_logs:
            key_log = load_key_log(file)
            secrets.add_key_log(key_log.entries)
            for problem in key_log.problems[:MOST_PROBLEMS]:
                note(f"{escape(file)}: line {problem.line} passed over: {problem.message}")
            if len(key_log.problems) > MOST_PROBLEMS:
                note(f"{escape(file)}: {len(key_log.problems)} lines passed over in all")
        return secrets


captures = click.argument("captures", nargs=-1, required=True, metavar="CAPTURE...")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")


def secret_files(command: F) -> F:
    """Adds the options that say where the secrets are."""
    options = (
        click.option(
            "--key", "keys", metavar="FILE", multiple=True,
            help="The server's RSA private key: PEM, DER or PKCS #12. May be given several times.",
        ),
        click.option(
            "--password-file", metavar="FILE",
            help="A file whose first line is the password of the keys.",
        ),
        click.option(
            "--keylog", "key_logs", metavar="FILE", multiple=True,
            help="A key log (SSLKEYLOGFILE). May be given several times.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command
