"""A BitTorrent tracker over HTTPS, whose certificate comes from an authority of the test's own."""

import contextlib
import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Any, Final, override

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ADDRESS: Final = "127.0.0.1"
DAY: Final = dt.timedelta(days=1)


class Authority:
    """Signs certificates; its own is in the file `certificate`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, folder.name)])
        signed = (
            self._builder(self._name, self._key, dt.datetime.now(dt.UTC) + DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = folder / "authority.pem"
        self.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def context(self, address: str = ADDRESS, lasts: dt.timedelta = DAY) -> ssl.SSLContext:
        """Return a server's TLS context with a certificate for `address` that ends `lasts` from now."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server_file(address, lasts))
        return context

    def server_file(self, address: str = ADDRESS, lasts: dt.timedelta = DAY) -> Path:
        """Return a file with such a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        signed = (
            self._builder(subject, key, dt.datetime.now(dt.UTC) + lasts)
            .add_extension(names, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = self._folder / "server.pem"
        file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        return file

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, end: dt.datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - 3 * DAY)
            .not_valid_after(end)
        )


class HttpsTracker(ThreadingHTTPServer):
    """Tells everybody who asks of one peer; remembers who asked, and who hung up instead."""

    def __init__(self, context: ssl.SSLContext, peer: tuple[str, int]) -> None:
        super().__init__((ADDRESS, 0), _Announce)
        self._context = context
        address, port = peer
        peers = ipaddress.ip_address(address).packed + port.to_bytes(2)
        self.answer = b"d8:intervali1800e5:peers%d:%se" % (len(peers), peers)  # BEP 3, BEP 23
        self.announces: list[str] = []
        self.refusals: list[str] = []  # OpenSSL's name of why a client hung up

    @property
    def url(self) -> str:
        """Return the announce URL."""
        return f"https://{ADDRESS}:{self.server_port}/announce"

    @override
    def finish_request(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        assert isinstance(request, socket)
        try:
            with self._context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except ssl.SSLError as err:
            self.refusals.append(err.reason)


class _Announce(BaseHTTPRequestHandler):
    server: HttpsTracker

    def do_GET(self) -> None:
        self.server.announces.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the test looks at what was remembered."""


@contextlib.contextmanager
def https_tracker(context: ssl.SSLContext, peer: tuple[str, int]) -> Iterator[HttpsTracker]:
    """Run a tracker that tells of `peer`, in a thread of its own."""
    with HttpsTracker(context, peer) as tracker:
        thread = threading.Thread(target=tracker.serve_forever, kwargs={"poll_interval": 0.01}, name="https tracker")
        thread.start()
        try:
            yield tracker
        finally:
            tracker.shutdown()
            thread.join()
