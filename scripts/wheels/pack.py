"""Packs one built extension module into a wheel, the same bytes wherever it runs: pack.py MODULE PLATFORM WORK OUT.

WORK is the directory of scripts/build-wheels, OUT that of the wheel.
"""

import base64
import hashlib
import os
import re
import struct
import sys
import time
import zlib
from pathlib import Path

import zopfli.zlib

PINS = Path(__file__).parents[2] / "requirements" / "sources.sha256"
PYTHON = "cp314"
# What is linked in -> its licence, below the directory of scripts/build-wheels.
LICENCES = {
    "libtorrent": "libtorrent/LICENSE",
    "ed25519": "libtorrent/src/ed25519/LICENSE",
    "try_signal": "libtorrent/deps/try_signal/LICENSE",
    "boost": "boost/LICENSE_1_0.txt",
    "openssl": "openssl/LICENSE.txt",
    "libcxx": "tools/lib/python3*/site-packages/ziglang/lib/libcxx/LICENSE.TXT",
    "libcxxabi": "tools/lib/python3*/site-packages/ziglang/lib/libcxxabi/LICENSE.TXT",
    "libunwind": "tools/lib/python3*/site-packages/ziglang/lib/libunwind/LICENSE.TXT",
    "zig": "tools/lib/python3*/site-packages/ziglang/LICENSE",
}
LICENCE = "BSD-3-Clause AND BSL-1.0 AND Apache-2.0 AND Apache-2.0 WITH LLVM-exception AND Zlib AND MIT"
METADATA = """Metadata-Version: 2.4
Name: libtorrent
Version: {versions[libtorrent-rasterbar]}
Summary: Python binding of libtorrent-rasterbar with Boost {versions[boost]} and OpenSSL {versions[openssl]} linked in
License-Expression: {licence}
{files}Requires-Python: ==3.14.*
"""
WHEEL = """Wheel-Version: 1.0
Generator: torrent-cast
Root-Is-Purelib: false
Tag: {tag}
"""
DEFLATED = 8
UNIX = 3  # "made by": what the mode bits of a zip file's entry mean


def pack(module: Path, platform: str, work: Path, out: Path) -> Path:
    """Return the path of the wheel made of `module`."""
    versions = _versions()
    name = f"libtorrent-{versions['libtorrent-rasterbar']}"
    tag = f"{PYTHON}-{PYTHON}-{platform}"
    info = f"{name}.dist-info"
    licences = {f"{part}.txt": next(work.glob(path)).read_bytes() for part, path in sorted(LICENCES.items())}
    listed = "".join(f"License-File: {file}\n" for file in licences)
    files = {
        module.name: module.read_bytes(),
        f"{info}/METADATA": METADATA.format(versions=versions, licence=LICENCE, files=listed).encode(),
        f"{info}/WHEEL": WHEEL.format(tag=tag).encode(),
    }
    files |= {f"{info}/licenses/{file}": text for file, text in licences.items()}
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    wheel = out / f"{name}-{tag}.whl"
    wheel.write_bytes(_zip(files))
    return wheel


def _versions() -> dict[str, str]:
    """Return the name of each pinned source, as `boost` of Debian's `boost1.90`, -> its upstream version."""
    pins = re.finditer(r"  ([a-z-]+)[\d.]*_(.*)\.orig\.", PINS.read_text("ascii"))
    return {pin[1]: pin[2] for pin in pins}


def _record(files: dict[str, bytes], own: str) -> bytes:
    rows = []
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(data)}\n")
    return "".join([*rows, f"{own},,\n"]).encode()


def _zip(files: dict[str, bytes]) -> bytes:
    """Return a zip archive (APPNOTE 6.3.3, 4.3.7-4.3.16) compressed by zopfli, not by this machine's zlib."""
    date = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))
    dos_time = date.tm_hour << 11 | date.tm_min << 5 | date.tm_sec // 2
    dos_date = (date.tm_year - 1980) << 9 | date.tm_mon << 5 | date.tm_mday
    body, directory = bytearray(), bytearray()
    for name, data in files.items():
        packed = zopfli.zlib.compress(data, numiterations=5)[2:-4]  # without zlib's header and checksum
        common = struct.pack(
            "<HHHHHIIIHH", 20, 0, DEFLATED, dos_time, dos_date, zlib.crc32(data), len(packed), len(data), len(name), 0
        )
        mode = (0o100755 if name.endswith(".so") else 0o100644) << 16
        made_by = struct.pack("<4sBB", b"PK\x01\x02", 20, UNIX)
        directory += made_by + common + struct.pack("<HHHII", 0, 0, 0, mode, len(body)) + name.encode()
        body += b"PK\x03\x04" + common + name.encode() + packed
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(files), len(files), len(directory), len(body), 0)
    return bytes(body + directory + end)


if __name__ == "__main__":
    print(pack(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])))  # noqa: T201  # its answer
