"""Which authorities vouch for HTTPS trackers and web seeds: the system's, or certifi's where it has none."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import certifi

# Where the bundled libtorrent's OpenSSL looks (scripts/wheels/common.sh), as do musl and glibc distributions: one file
# of all certificates, or a directory of them by hash (openssl-rehash(1)).
SYSTEM: Final = Path("/etc/ssl")
# What OpenSSL takes instead (SSL_CTX_set_default_verify_paths(3)), and an administrator may have set.
VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@contextlib.contextmanager
def authorities(system: Path = SYSTEM) -> Iterator[None]:
    """Have certificates for the libtorrent session that is started meanwhile; one that runs never looks again.

    Where there are none below `system`, the process's environment names certifi's until the context ends: libtorrent's
    Python binding has no other way in.
    """
    if any(os.environ.get(name) for name in VARIABLES) or _has_certificates(system):
        yield
        return
    os.environ["SSL_CERT_FILE"] = certifi.where()
    try:
        yield
    finally:
        del os.environ["SSL_CERT_FILE"]


def _has_certificates(system: Path) -> bool:
    return (system / "cert.pem").is_file() or any((system / "certs").glob("????????.[0-9]"))
