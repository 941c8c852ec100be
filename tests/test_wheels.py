"""The bundled wheels as they stand in the repository."""

import base64
import csv
import hashlib
import re
import struct
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pytest
from packaging.utils import parse_wheel_filename

from custom_components.torrent_cast.engine.binding import CHECKSUMS, WHEELS

LIMIT: Final = 5_000_000  # bytes
ALL: Final = sorted(WHEELS.glob("*.whl"))
MACHINES: Final = {"x86_64": 62, "aarch64": 183}  # e_machine (ELF-64 Object File Format, and ARM's IHI 0056)
LOADED: Final = 1  # PT_LOAD, a part of the file that is mapped into memory
LIBRARIES: Final = {"manylinux": b"\0libc.so.6\0", "musllinux": b"\0libc.musl-"}
# What another machine's owner could read about the one that built.
PRIVATE: Final = re.compile(rb"/(root|home|tmp|work)/[\w.-]+")

each = pytest.mark.parametrize("wheel", ALL, ids=lambda wheel: wheel.name)


def content(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def module(wheel: Path) -> bytes:
    (found,) = (data for name, data in content(wheel).items() if name.endswith(".so"))
    return found


def platform(wheel: Path) -> str:
    (tag,) = parse_wheel_filename(wheel.name)[3]
    assert (tag.interpreter, tag.abi) == ("cp314", "cp314")
    return tag.platform


def test_there_is_one_for_each_of_these_platforms() -> None:
    assert sorted(map(platform, ALL)) == [
        "manylinux_2_28_aarch64",
        "manylinux_2_28_x86_64",
        "musllinux_1_2_aarch64",
        "musllinux_1_2_x86_64",
    ]


def test_each_is_listed_with_its_checksum_and_nothing_else_is() -> None:
    sums = [f"{hashlib.sha256(wheel.read_bytes()).hexdigest()}  {wheel.name}\n" for wheel in ALL]
    assert (WHEELS / CHECKSUMS).read_text("ascii") == "".join(sums)


@each
def test_it_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < LIMIT


@each
def test_its_record_is_true_and_complete(wheel: Path) -> None:
    files = content(wheel)
    (record,) = (data.decode() for name, data in files.items() if name.endswith("/RECORD"))
    rows = {name: (digest, size) for name, digest, size in csv.reader(record.splitlines())}
    assert rows.keys() == files.keys()
    for name, (digest, size) in rows.items():
        if digest:
            found = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=").decode()
            assert (digest, int(size)) == (f"sha256={found}", len(files[name]))


@each
def test_the_licences_of_what_is_inside_go_along(wheel: Path) -> None:
    files = content(wheel)
    (metadata,) = (data.decode() for name, data in files.items() if name.endswith("/METADATA"))
    listed = re.findall(r"^License-File: (.*)$", metadata, re.MULTILINE)
    there = {name.partition(".dist-info/licenses/")[2] for name in files if "/licenses/" in name}
    assert set(listed) == there
    parts = {"libtorrent", "ed25519", "try_signal", "boost", "openssl", "libcxx", "libcxxabi", "libunwind", "zig"}
    assert there == {f"{part}.txt" for part in parts}


@each
def test_it_is_for_the_platform_of_its_name(wheel: Path) -> None:
    kind, _, rest = platform(wheel).partition("_")
    machine = MACHINES["aarch64" if rest.endswith("aarch64") else "x86_64"]
    data = module(wheel)
    assert data[:5] == b"\x7fELF\x02"
    assert int.from_bytes(data[18:20], "little") == machine
    assert LIBRARIES[kind] in data
    assert b"\0libstdc++.so" not in data


@each
def test_it_is_stripped(wheel: Path) -> None:
    data = module(wheel)
    assert b"\0.dynsym\0" in data
    assert b"\0.symtab\0" not in data


@each
def test_kernels_with_any_size_of_pages_can_load_it(wheel: Path) -> None:
    """A Raspberry Pi 5's kernel may have pages of 16 KiB, other ARM kernels of 64 KiB; all x86-64 ones have 4 KiB."""
    data = module(wheel)
    (headers,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    found = (struct.unpack_from("<I44xQ", data, headers + number * size) for number in range(count))
    aligned = [alignment for kind, alignment in found if kind == LOADED]
    assert aligned
    assert min(aligned) >= (64 << 10 if wheel.stem.endswith("aarch64") else 4 << 10)


@each
def test_it_needs_no_newer_glibc_than_its_name_says(wheel: Path) -> None:
    needed = {tuple(map(int, found.split(b"."))) for found in re.findall(rb"\0GLIBC_([\d.]+)(?=\0)", module(wheel))}
    assert bool(needed) == platform(wheel).startswith("manylinux")
    assert max(needed, default=(2, 0)) <= (2, 28)


@each
def test_it_knows_where_the_system_s_certificates_are(wheel: Path) -> None:
    data = module(wheel)
    assert b"/etc/ssl/cert.pem" in data
    assert b"/etc/ssl/certs" in data


@each
def test_it_tells_nothing_of_the_machine_that_built_it(wheel: Path) -> None:
    assert PRIVATE.findall(module(wheel)) == []
