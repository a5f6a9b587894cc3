"""The verbs of the command `tlswire` and their arguments.

A verb imports what it needs when it is run, so that the others, `--help` and `--version` do not wait for it.
"""

from __future__ import annotations

import gc
import sys

import click

import tlswire
from tlswire.cli.options import SecretFiles, as_json, captures, secret_files
from tlswire.cli.outcome import Status, ending

_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=_HELP)
@click.version_option(tlswire.__version__, prog_name="tlswire", message="%(prog)s %(version)s")
def commands() -> None:
    """Read TLS off the wire and explain it.

    CAPTURE is a pcap or pcapng file, also compressed with gzip, or - for standard input. Several are read
    as one, in the order of their first frames.

    Exit status: 0 done; 1 an input could not be read, or not to its end; 2 usage; 3 done, but with secrets
    given at least one protected record stayed encrypted.
    """


@commands.command()
@captures
@secret_files
@click.option("--tcp", is_flag=True, help="Show the TCP segments too, and the Ack number.")
@as_json
@ending
def explain(
    captures: tuple[str, ...], keys: tuple[str, ...], password_file: str | None, key_logs: tuple[str, ...],
    tcp: bool, as_json: bool,
) -> Status:  # fmt: skip
    """Tell the story of the connections, message by message.

    With the server's key or a key log, what came encrypted is in the clear, marked with *.
    """
    from tlswire.cli.explain import explain_captures

    work_begins()
    secrets = SecretFiles(keys, password_file, key_logs)
    return explain_captures(captures, secrets, tcp=tcp, as_json=as_json)


@commands.command()
@captures
@click.option("-o", "--output", "directory", metavar="DIR", help="Where a file for each side is put.")
@click.option(
    "--pcap", metavar="OUT",
    help="Write a capture of the plaintext, for tools that know no TLS; - is standard output.",
)  # fmt: skip
@secret_files
@as_json
@ending
def decrypt(
    captures: tuple[str, ...], directory: str | None, pcap: str | None, keys: tuple[str, ...],
    password_file: str | None, key_logs: tuple[str, ...], as_json: bool,
) -> Status:  # fmt: skip
    """Write the application data of the connections to DIR, to OUT, or to both.

    DIR gets stream-N.client.bin, stream-N.server.bin and manifest.json, which says what is missing and why.
    What an earlier decrypt has put into DIR is replaced; nothing else there is touched. With --json, the
    manifest is printed too.

    OUT is a pcap file: TCP with the original addresses, ports, times and order, and the plaintext in it; what
    is missing is a hole in the sequence numbers.
    """
    if directory is None and pcap is None:
        raise click.UsageError("say where the plaintext goes: -o DIR, --pcap OUT, or both")
    if directory == "-":
        raise click.UsageError("-o takes the name of a directory; --pcap - writes to standard output")
    if pcap == "-" and as_json:
        raise click.UsageError("--json and --pcap - both want standard output")
    if pcap == "-" and sys.stdout.isatty():
        raise click.UsageError("--pcap - would write a capture to the terminal; redirect standard output")
    from tlswire.cli.decrypt import decrypt_captures

    work_begins()
    secrets = SecretFiles(keys, password_file, key_logs)
    return decrypt_captures(captures, secrets, directory, pcap, as_json=as_json)


@commands.command()
@captures
@click.option("-o", "--output", "key_log", metavar="FILE", help="Where the key log is put; - is standard output.")
@click.option("--inject", "injected", metavar="FILE", help="Write the capture too, as pcapng, with the key log inside.")
@secret_files
@ending
def secrets(
    captures: tuple[str, ...], key_log: str | None, injected: str | None, keys: tuple[str, ...],
    password_file: str | None, key_logs: tuple[str, ...],
) -> Status:  # fmt: skip
    """Write a key log with which other tools decrypt what was decrypted here.

    It has a line for each handshake, renegotiated and resumed ones included. Whoever has it can read the
    connections: the files are made readable by their owner alone.
    """
    if key_log is None and injected is None:
        raise click.UsageError("say where the secrets go: -o FILE, --inject FILE, or both")
    if injected == "-":
        raise click.UsageError("--inject takes the name of a file")
    if injected is not None and (len(captures) > 1 or captures[0] == "-"):
        raise click.UsageError("--inject takes one capture, in a file: it is read twice")
    from tlswire.cli.secrets import write_secrets

    work_begins()
    return write_secrets(captures, SecretFiles(keys, password_file, key_logs), key_log, injected)


limit = click.option(
    "--limit", type=click.IntRange(1), default=16_384, show_default=True, metavar="BYTES",
    help="The length at which the server cuts its list of authorities; the default is Schannel's.",
)  # fmt: skip


@commands.command()
@captures
@click.option(
    "--client-cert", "client_certificates", metavar="FILE", multiple=True,
    help="The client's certificate and its chain: PEM, DER, PKCS #7 or #12. May be given several times.",
)  # fmt: skip
@limit
@secret_files
@as_json
@ending
def diagnose(
    captures: tuple[str, ...], client_certificates: tuple[str, ...], limit: int, keys: tuple[str, ...],
    password_file: str | None, key_logs: tuple[str, ...], as_json: bool,
) -> Status:  # fmt: skip
    """Say what went wrong with client-certificate authentication.

    Was a certificate asked for, and when; was the client's issuer in the list, and was the list cut; what came
    of it, and what to do.
    """
    from tlswire.cli.diagnose import diagnose_captures

    work_begins()
    secrets = SecretFiles(keys, password_file, key_logs)
    return diagnose_captures(captures, secrets, client_certificates, limit, as_json=as_json)


@commands.command()
@captures
@click.option("--pem", "store", metavar="STORE", help="Show which certificates of this store are named.")
@click.option("--diff", "other", metavar="OTHER", help="Compare with the lists of this capture.")
@limit
@secret_files
@as_json
@ending
def authorities(
    captures: tuple[str, ...], store: str | None, other: str | None, limit: int, keys: tuple[str, ...],
    password_file: str | None, key_logs: tuple[str, ...], as_json: bool,
) -> Status:  # fmt: skip
    """List the authorities whose certificates servers accept, with sizes and limits.

    Each distinct list of a server is told once.
    """
    from tlswire.cli.authorities import list_authorities

    work_begins()
    secrets = SecretFiles(keys, password_file, key_logs)
    return list_authorities(captures, secrets, store, other, limit, as_json=as_json)


@commands.command()
@captures
@click.option("-o", "--output", metavar="FILE", help="Where the PEM is put; - is standard output, as without it.")
@secret_files
@as_json
@ending
def certificates(
    captures: tuple[str, ...], output: str | None, keys: tuple[str, ...], password_file: str | None,
    key_logs: tuple[str, ...], as_json: bool,
) -> Status:  # fmt: skip
    """Write the certificates of the connections as PEM, each once.

    Before each stand comments: subject, issuer, serial number, validity, SHA-256, who sent it first in which
    frame, and how often it was sent. With secrets, those that came encrypted are there too. With --json, an
    object for each on standard output, with all its places; PEM goes to FILE only then.
    """
    if output == "-" and as_json:
        raise click.UsageError("--json and -o - both want standard output")
    from tlswire.cli.certificates import write_certificates

    work_begins()
    secrets = SecretFiles(keys, password_file, key_logs)
    return write_certificates(captures, secrets, output, as_json=as_json)


@commands.command()
@click.argument("what", metavar="[WHAT|-]", default="-")
@click.option("--hex", "spelling", flag_value="hex", help="WHAT is hex digits, not a file.")
@click.option("--base64", "spelling", flag_value="base64", help="WHAT is base64, not a file.")
@click.option(
    "--as", "as_name", metavar="NAME",
    help="WHAT is the body of this message: ClientHello, certificate_request, ...",
)  # fmt: skip
@ending
def show(what: str, spelling: str | None, as_name: str | None) -> Status:
    """Show raw TLS bytes as an annotated tree.

    WHAT is a file with records or a handshake message, or else their bytes in hex; - or nothing is standard
    input.
    """
    from tlswire.cli.show import show_bytes

    work_begins()
    return show_bytes(what, spelling, as_name)


@commands.command()
@as_json
@ending
def demo(as_json: bool) -> Status:
    """Explain a capture that the package carries.

    A web server asks for a client certificate by renegotiating; its private key makes all of it readable.
    """
    import io
    from importlib.resources import as_file, files

    from tlswire.cli.explain import explain_captures

    work_begins()
    data = files("tlswire") / "data"
    capture = io.BytesIO((data / "demo.pcapng").read_bytes())
    capture.name = "demo.pcapng"
    with as_file(data / "demo-key.pem") as key:
        return explain_captures([capture], SecretFiles((str(key),)), tcp=False, as_json=as_json)


def work_begins() -> None:
    """Takes that all is imported: the garbage collector begins, and leaves out what is there, also at the end."""
    if not gc.isenabled():
        gc.freeze()
        gc.set_threshold(10_000, 20, 100)  # what is read comes and goes by the thousand, and hardly any of it in cycles
        gc.enable()


def run(arguments: list[str] | None = None) -> int:
    """Runs the command and gives its exit status.

    Parameters: `arguments`, without the program's name; those of the process, where there are none.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a sign gets its code.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    try:
        return int(commands.main(arguments, prog_name="tlswire", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return Status.interrupted
