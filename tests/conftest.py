"""What tests of several folders share: the secrets that lie beside the public captures.

A fixture, because the tests are no package.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlswire.capture import load_key_log, load_server_keys
from tlswire.crypto import Secrets

CORPUS = Path(__file__).parents[2] / "shared" / "captures"


@pytest.fixture(scope="session")
def corpus_secrets() -> Callable[[dict[str, Any]], Secrets]:
    """The secrets that the manifest names for one of the public captures."""

    def secrets_of(entry: dict[str, Any]) -> Secrets:
        secrets = Secrets()
        for key in entry["keys"]:
            if key["type"] == "rsa-private-key":
                for server_key in load_server_keys(CORPUS / key["file"]):
                    secrets.add_server_key(server_key)
            else:
                secrets.add_key_log(load_key_log(CORPUS / key["file"]).entries)
        return secrets

    return secrets_of
