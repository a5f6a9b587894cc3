"""Which server it is, by what it says of itself, and what its settings are called.

The remedies are data: for each finding a sentence that holds for any server, and one for each kind whose settings are
known.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from tlswire.analysis.http import Exchange


class ServerKind(enum.StrEnum):
    """Servers whose settings are known."""

    iis = "IIS"
    apache = "Apache"
    nginx = "nginx"
    java = "Java"


# What begins or stands in the field Server of a response.
_SIGNS = (
    (b"microsoft-iis", ServerKind.iis),
    (b"microsoft-httpapi", ServerKind.iis),
    (b"apache-coyote", ServerKind.java),
    (b"tomcat", ServerKind.java),
    (b"jetty", ServerKind.java),
    (b"wildfly", ServerKind.java),
    (b"glassfish", ServerKind.java),
    (b"weblogic", ServerKind.java),
    (b"apache", ServerKind.apache),
    (b"nginx", ServerKind.nginx),
    (b"openresty", ServerKind.nginx),
)


def server_kind(exchanges: Iterable[Exchange]) -> ServerKind | None:
    """The kind of server, by the first response that tells."""
    for exchange in exchanges:
        said = exchange.server.lower()
        for sign, kind in _SIGNS:
            if sign in said:
                return kind
    return None


def remedy(code: str, kind: ServerKind | None) -> str:
    """What to do about a finding: for the kind of server that it is, or for all whose settings are known."""
    general, by_kind = _REMEDIES[code]
    if kind is not None:
        return f"{general} {kind}: {by_kind[kind]}" if kind in by_kind else general
    return " ".join([general, *(f"{one}: {text}" for one, text in by_kind.items())]).strip()


_ASK_IN_FIRST = {
    ServerKind.iis: (
        "netsh http add sslcert ... clientcertnegotiation=enable asks in the first handshake, which also avoids the "
        "deadlock with a large POST."
    ),
    ServerKind.apache: "move SSLVerifyClient from the directory or location to the virtual host.",
}
_NAME_THE_ISSUER = {
    ServerKind.iis: (
        "put the issuing CA's certificate into the store whose names are sent: the site's own, \"Client Authentication "
        'Issuers" or Trusted Root; or send no list at all (SendTrustedIssuerList = 0 under '
        "HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL)."
    ),
    ServerKind.apache: "add the issuing CA to SSLCADNRequestFile, or to SSLCACertificateFile where that is not set.",
    ServerKind.nginx: "add the issuing CA to the file of ssl_client_certificate (ssl_trusted_certificate is not sent).",
    ServerKind.java: "add the issuing CA to the truststore.",
}
_SHORTEN = {
    ServerKind.iis: (
        'remove expired and unused roots from Trusted Root, or name the few issuers in the store "Client '
        "Authentication Issuers\" or in the site's own, or send no list (SendTrustedIssuerList = 0 under "
        "HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL); event 36885 tells when a list is "
        "cut (KB2464556, KB933430)."
    ),
    ServerKind.apache: "name the few issuers in SSLCADNRequestFile.",
    ServerKind.nginx: (
        "leave in ssl_client_certificate the issuers that clients have, and move the others to ssl_trusted_certificate."
    ),
    ServerKind.java: "leave in the truststore the issuers that clients have.",
}
_ASK = {
    ServerKind.iis: 'SSL Settings of the site or path: "Require" or "Accept" client certificates.',
    ServerKind.apache: "SSLVerifyClient require, or optional.",
    ServerKind.nginx: "ssl_verify_client on, or optional, and ssl_client_certificate.",
    ServerKind.java: 'certificateVerification="required" on the connector, or setNeedClientAuth(true).',
}

_REMEDIES: dict[str, tuple[str, dict[ServerKind, str]]] = {
    "client_certificate_not_requested": ("Make the server ask for a certificate.", _ASK),
    "client_certificate_requested_by_renegotiation": (
        "Where that is a problem, let the server ask in the first handshake.", _ASK_IN_FIRST,
    ),
    "client_certificate_requested_after_handshake": (
        "Where the client cannot do that, let the server ask in the first handshake.",
        {ServerKind.apache: _ASK_IN_FIRST[ServerKind.apache]},
    ),
    "renegotiation_refused": (
        "Let the client renegotiate, or let the server ask for the certificate in the first handshake.", _ASK_IN_FIRST,
    ),
    "renegotiation_ignored": (
        "Let the client renegotiate, or let the server ask for the certificate in the first handshake.", _ASK_IN_FIRST,
    ),
    "insecure_renegotiation": (
        "Update the side that does not know RFC 5746: without it an attacker's request can be spliced in front of the "
        "client's (CVE-2009-3555).", {},
    ),
    "renegotiation_binding_mismatch": (
        "Look for something between client and server that ends one connection and begins another: this is what an "
        "attack "
        "by splicing looks like (RFC 5746 §1).", {},
    ),
    "scsv_in_renegotiation": ("Update the client's TLS library: a strict server ends the connection here.", {}),
    "authorities_list_empty": (
        "Nothing need be done; clients that choose by the list offer all their certificates, or none.", {},
    ),
    "authorities_list_probably_cut": ("Shorten the list, so that no name is cut off.", _SHORTEN),
    "authorities_list_over_limit": ("Shorten the list.", _SHORTEN),
    "authorities_list_malformed": (
        "Remove the certificate with the broken name from the server's store: a client that decodes names strictly "
        "refuses "
        "the whole message.", {},
    ),
    "issuer_not_listed": (
        "Let the server name the client's issuer, or give the client a certificate of an issuer that it names.",
        _NAME_THE_ISSUER,
    ),
    "empty_client_certificate": (
        "Give the client a certificate, with its private key, of an issuer that the server names.", _NAME_THE_ISSUER,
    ),
    "certificate_type_not_accepted": ("Give the client a certificate with a key of an accepted kind.", {}),
    "signature_algorithm_not_accepted": (
        "Give the client a certificate whose key can sign as the server accepts, or let the server accept more.",
        {
            ServerKind.iis: "the order and choice of signature algorithms is a policy of Schannel's.",
            ServerKind.apache: "SSLOpenSSLConfCmd ClientSignatureAlgorithms.",
            ServerKind.nginx: "ssl_conf_command ClientSignatureAlgorithms.",
            ServerKind.java: "jdk.tls.server.SignatureSchemes and jdk.tls.disabledAlgorithms.",
        },
    ),
    "client_certificate_expired": ("Renew the client's certificate, or set the clock.", {}),
    "client_certificate_wrong_usage": ("Issue the client a certificate for client authentication.", {}),
    "client_certificate_rejected": (
        "Look at what the server logs about the certificate, and at the other findings.",
        {
            ServerKind.iis: "the CAPI2 and Schannel event logs; an unreachable revocation list is a rejection too.",
            ServerKind.apache: "ErrorLog, with LogLevel ssl:info.",
            ServerKind.nginx: "error_log, with level info.",
            ServerKind.java: "-Djavax.net.debug=ssl:handshake.",
        },
    ),
    "certificate_verify_missing": ("Update the client: it has sent no proof that it has the certificate's key.", {}),
    "certificate_verify_invalid": (
        "See whether the client's private key belongs to its certificate, and whether a smart card or its driver signs "
        "with another hash than it says.", {},
    ),
    "http_client_certificate_required": (
        "The response tells what the server misses; the other findings tell why it misses it.", {},
    ),
    "client_certificate_accepted": ("", {}),
    "cannot_tell": ("", {}),
}  # fmt: skip
