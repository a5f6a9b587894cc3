"""nginx as the server: it asks in the first handshake or not at all, and says in a page what it misses."""

from __future__ import annotations

from pathlib import Path

from lab import Stage
from peers import Peer

PAGE = b"<html><head><title>1.aspx</title></head><body>You were let in.</body></html>\n"
CONFIGURATION = """\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr notice;
events {{}}
http {{
 access_log access.log;
 client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
 keepalive_timeout 30;
 server {{
  listen 443 ssl;
  root htdocs;
  ssl_certificate server.crt;
  ssl_certificate_key server.key;
  ssl_session_tickets off;
  {settings}
 }}
}}
"""


def start_nginx(stage: Stage, folder: Path, settings: list[str]) -> Peer:
    """Start nginx with `settings` in its server block; it listens when this returns."""
    (folder / "htdocs").mkdir(exist_ok=True)
    (folder / "htdocs" / "1.aspx").write_bytes(PAGE)
    (folder / "access.log").unlink(missing_ok=True)
    (folder / "nginx.conf").write_text(CONFIGURATION.format(settings="\n  ".join(settings)))
    return stage.start("server", "nginx -p . -c nginx.conf -e stderr", ready=b"using the")
