"""CASTV2, the wire format between Cast senders and receivers: framed protobuf messages that carry JSON, over TLS."""

import datetime as dt
import ipaddress
import json
import ssl
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pychromecast.generated.cast_channel_pb2 import CastMessage

if TYPE_CHECKING:
    from asyncio import StreamReader

type Json = dict[str, Any]

CONNECTION = "urn:x-cast:com.google.cast.tp.connection"
HEARTBEAT = "urn:x-cast:com.google.cast.tp.heartbeat"
RECEIVER = "urn:x-cast:com.google.cast.receiver"
MEDIA = "urn:x-cast:com.google.cast.media"

PLATFORM = "receiver-0"
"""The receiver itself, as a destination: launches apps, sets the volume."""

EVERYONE = "*"
"""The destination of a broadcast."""

LENGTH = struct.Struct(">I")
"""A frame: its length (bytes, big endian), then the protobuf message."""

FRAME_LIMIT = 64 * 1024
"""Bytes: a real receiver closes the connection above 64 KiB."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message on a Cast connection."""

    source: str
    destination: str
    namespace: str
    payload: Json

    @property
    def type(self) -> str:
        """Return the kind of message, such as `LOAD`."""
        return str(self.payload.get("type", ""))

    def encode(self) -> bytes:
        """Return the frame."""
        message = CastMessage(
            protocol_version=CastMessage.CASTV2_1_0,
            source_id=self.source,
            destination_id=self.destination,
            namespace=self.namespace,
            payload_type=CastMessage.STRING,
            payload_utf8=json.dumps(self.payload),
        )
        body: bytes = message.SerializeToString()
        return LENGTH.pack(len(body)) + body


async def read(reader: StreamReader) -> Envelope:
    """Return the next message; `IncompleteReadError` at the end, `ValueError` where a receiver would hang up."""
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    if length > FRAME_LIMIT:
        msg = f"a frame of {length} bytes"
        raise ValueError(msg)
    message = CastMessage()
    message.ParseFromString(await reader.readexactly(length))
    payload = json.loads(message.payload_utf8 or "{}")
    if not isinstance(payload, dict):
        raise TypeError("the payload is not a JSON object")
    return Envelope(message.source_id, message.destination_id, message.namespace, payload)


def server_context(host: str) -> ssl.SSLContext:
    """Return a TLS context with a certificate made now and signed by nobody, as a Cast device's is to its senders."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rig")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory(prefix="rig-cert-") as folder:  # ssl takes files only
        pem = Path(folder, "receiver.pem")
        pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(pem)
    return context
