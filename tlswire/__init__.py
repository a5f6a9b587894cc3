"""tlswire reads TLS off the wire and explains it.

Import it in a tool:       Connection, Secrets, and the events that a connection tells
use it in a notebook:      open("trace.pcapng", keys=["server.pem"]), show(raw), ClientHello.decode(raw)
build an analyzer on it:   CaptureReader, explain

A name is imported when it is first used, with what it needs and no more: type checkers see the imports, and
`__getattr__` does them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tlswire.analysis import (
        CertificateAppearance,
        ConnectionSummary,
        PlaintextCapture,
        Row,
        SentCertificate,
        certificates,
        explain,
        key_log_entries,
    )
    from tlswire.analysis.diagnosis import Finding, Severity, diagnose
    from tlswire.capture import (
        CaptureLimits,
        CaptureReader,
        NotRead,
        Provenance,
        TLSStream,
        Trace,
        TracedConnection,
        load_certificates,
        load_key_log,
        load_server_keys,
    )
    from tlswire.capture import open_trace as open
    from tlswire.crypto import CallbackKey, KeyLogEntry, PremasterSource, RSAKey, Secrets, SessionState, parse_key_log
    from tlswire.display import Tree
    from tlswire.display.show import show  # mypy takes `tlswire.display.show` for the module
    from tlswire.errors import (
        CaptureError,
        DecodeError,
        DecodeErrorKind,
        DecryptError,
        EncodeError,
        SecretsError,
        TLSWireError,
    )
    from tlswire.registry import (
        AlertDescription,
        AlertLevel,
        CipherSuite,
        ContentType,
        ExtensionType,
        HandshakeType,
        NamedGroup,
        ProtocolVersion,
        SignatureScheme,
    )
    from tlswire.schema import (
        Alert,
        Certificate,
        CertificateAuthorities,
        CertificateEntry,
        CertificateFields,
        CertificateRequest,
        CertificateRequestTLS12,
        CertificateRequestTLS13,
        CertificateSSL3,
        CertificateTLS13,
        CertificateURL,
        CertificateVerify,
        CertificateVerifyTLS12,
        ChangeCipherSpec,
        ClientHello,
        ClientKeyExchange,
        CompressedCertificate,
        DistinguishedName,
        EncryptedExtensions,
        EndOfEarlyData,
        Finished,
        HelloRequest,
        KeyUpdate,
        MalformedExtension,
        NewSessionTicket,
        NewSessionTicketTLS13,
        RenegotiationInfo,
        ServerHello,
        ServerHelloDone,
        ServerKeyExchange,
        SSLv2ClientHello,
        SupplementalData,
        TLSCiphertext,
        TLSPlaintext,
        UnknownExtension,
        decode_body,
        read_certificate,
    )
    from tlswire.schema import Handshake as HandshakeFrame
    from tlswire.session import (
        AlertMessage,
        ApplicationData,
        Binding,
        ChangeCipherSpecMessage,
        Connection,
        DiscardedBytes,
        EndOfStream,
        Event,
        FinishedCheck,
        Gap,
        Handshake,
        HandshakeMessage,
        Heartbeat,
        LimitReached,
        Limits,
        Malformed,
        ProtocolViolation,
        Reason,
        Record,
        Role,
        Undecryptable,
        Verdict,
        read_records,
    )
    from tlswire.wire import Context, Message, Unresolved, Violation


__version__ = "0.1.0"


__all__ = [
    "Alert",
    "AlertDescription",
    "AlertLevel",
    "AlertMessage",
    "ApplicationData",
    "Binding",
    "CallbackKey",
    "CaptureError",
    "CaptureLimits",
    "CaptureReader",
    "Certificate",
    "CertificateAppearance",
    "CertificateAuthorities",
    "CertificateEntry",
    "CertificateFields",
    "CertificateRequest",
    "CertificateRequestTLS12",
    "CertificateRequestTLS13",
    "CertificateSSL3",
    "CertificateTLS13",
    "CertificateURL",
    "CertificateVerify",
    "CertificateVerifyTLS12",
    "ChangeCipherSpec",
    "ChangeCipherSpecMessage",
    "CipherSuite",
    "ClientHello",
    "ClientKeyExchange",
    "CompressedCertificate",
    "Connection",
    "ConnectionSummary",
    "ContentType",
    "Context",
    "DecodeError",
    "DecodeErrorKind",
    "DecryptError",
    "DiscardedBytes",
    "DistinguishedName",
    "EncodeError",
    "EncryptedExtensions",
    "EndOfEarlyData",
    "EndOfStream",
    "Event",
    "ExtensionType",
    "Finding",
    "Finished",
    "FinishedCheck",
    "Gap",
    "Handshake",
    "HandshakeFrame",
    "HandshakeMessage",
    "HandshakeType",
    "Heartbeat",
    "HelloRequest",
    "KeyLogEntry",
    "KeyUpdate",
    "LimitReached",
    "Limits",
    "Malformed",
    "MalformedExtension",
    "Message",
    "NamedGroup",
    "NewSessionTicket",
    "NewSessionTicketTLS13",
    "NotRead",
    "PlaintextCapture",
    "PremasterSource",
    "ProtocolVersion",
    "ProtocolViolation",
    "Provenance",
    "RSAKey",
    "Reason",
    "Record",
    "RenegotiationInfo",
    "Role",
    "Row",
    "SSLv2ClientHello",
    "Secrets",
    "SecretsError",
    "SentCertificate",
    "ServerHello",
    "ServerHelloDone",
    "ServerKeyExchange",
    "SessionState",
    "Severity",
    "SignatureScheme",
    "SupplementalData",
    "TLSCiphertext",
    "TLSPlaintext",
    "TLSStream",
    "TLSWireError",
    "Trace",
    "TracedConnection",
    "Tree",
    "Undecryptable",
    "UnknownExtension",
    "Unresolved",
    "Verdict",
    "Violation",
    "__version__",
    "certificates",
    "decode_body",
    "diagnose",
    "explain",
    "key_log_entries",
    "load_certificates",
    "load_key_log",
    "load_server_keys",
    "open",
    "parse_key_log",
    "read_certificate",
    "read_records",
    "show",
]

# Where names are looked for; what a package needs comes before it, so that looking costs nothing.
_PACKAGES = ("errors", "registry", "wire", "schema", "crypto", "session", "capture", "analysis", "display")
# What has another name there, or is not the first to have it.
_FOUND_AS = {
    "certificates": ("analysis", "certificates"),
    "Handshake": ("session", "Handshake"),
    "HandshakeFrame": ("schema", "Handshake"),
    # It needs X.509, which the others do not wait for.
    **{name: ("analysis.diagnosis", name) for name in ("Finding", "Severity", "diagnose")},
    "open": ("capture", "open_trace"),
}


if not TYPE_CHECKING:  # which would take any name for one of ours

    def __getattr__(name: str) -> Any:
        if name in _PACKAGES:
            return import_module(f"tlswire.{name}")
        if name not in __all__:
            raise AttributeError(f"module 'tlswire' has no attribute {name!r}")
        places = (_FOUND_AS[name],) if name in _FOUND_AS else ((package, name) for package in _PACKAGES)
        for package, its_name in places:
            found = vars(import_module(f"tlswire.{package}"))
            if its_name in found:
                globals()[name] = found[its_name]
                break
        return globals()[name]

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, *_PACKAGES})
