"""Apache httpd as the server: what differs from capture to capture is a few lines of its configuration."""

from __future__ import annotations

import os

from network import Network
from peers import Peer

PAGE = b"<html><head><title>1.aspx</title></head><body>You were let in.</body></html>\n"

# The access log is the server's own word on what it negotiated.
# ErrorLog goes to standard error because "resuming normal operations" there is the sign that it listens.
CONFIGURATION = """\
ServerName www.example.test
PidFile httpd.pid
Listen 443
User www-data
Group www-data
LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule cgi_module /usr/lib/apache2/modules/mod_cgi.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
TypesConfig /dev/null
AddType text/html .aspx
ErrorLog /dev/stderr
LogLevel notice ssl:info
CustomLog access.log "%{SSL_PROTOCOL}x %{SSL_CIPHER}x resumed=%{SSL_SESSION_RESUMED}x secure=%{SSL_SECURE_RENEG}x \
verify=%{SSL_CLIENT_VERIFY}x %>s"
DocumentRoot htdocs
KeepAliveTimeout 30
SSLEngine on
SSLCertificateFile server.crt
SSLCertificateKeyFile server.key
SSLCACertificateFile issuers.pem
SSLInsecureRenegotiation off
SSLHonorCipherOrder on
"""


class Apache:
    """A running httpd, ready to be connected to; `access` is what it logged once it has been stopped."""

    def __init__(self, network: Network, settings: str) -> None:
        """Write the configuration, with `settings` appended to it, start the server and wait until it listens."""
        self._folder = network.folder
        documents = self._folder / "htdocs"
        documents.mkdir(exist_ok=True)
        if not (documents / "1.aspx").exists():
            (documents / "1.aspx").write_bytes(PAGE)
        # Last-Modified and ETag are part of the plaintext: keep them the same from run to run
        for page in documents.iterdir():
            os.utime(page, (946684800, 946684800))
        (self._folder / "access.log").unlink(missing_ok=True)
        (self._folder / "httpd.conf").write_text(CONFIGURATION + settings)
        self.peer: Peer = network.start(
            "server", ["apache2", "-DFOREGROUND", "-d", ".", "-f", "httpd.conf", "-C", "DefaultRuntimeDir ."]
        )
        self.peer.expect(b"resuming normal operations")

    def stop(self) -> list[str]:
        """Stop it; its access log, one line a request."""
        with self.peer:
            pass
        return (self._folder / "access.log").read_text().splitlines()
