"""Finds libtorrent: an installed one wins, else the bundled wheel that fits this interpreter."""

import base64
import contextlib
import csv
import hashlib
import importlib
import importlib.machinery
import importlib.util
import io
import os
import platform
import shutil
import sys
import sysconfig
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Final

from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from .errors import BindingError

# Below it `read_piece` and deadline alerts have bugs.
MINIMUM: Final = Version("2.0.11")
WHEELS: Final = Path(__file__).parent.parent / "wheels"
CHECKSUMS: Final = "SHA256SUMS"
PREFIX: Final = "libtorrent-"  # of the names of unpacked wheels
DIGITS: Final = 16  # of a wheel's SHA-256 that name it: nobody makes two alike by chance
UNPACKING: Final = "."  # in the names of those that are not complete yet
# No machine takes this long to unpack 13 MB: whoever began is gone. s
ABANDONED: Final = 3600.0

_loading = threading.Lock()


def load(cache: Path, wheels: Path = WHEELS) -> ModuleType:
    """Return the libtorrent module; the bundled wheel is unpacked once into a directory below `cache`.

    Where that cannot be written, or nothing may be executed from it, the wheel is unpacked for the time of the import.
    Blocks (disk, import): call it in an executor. Asks no network. Raises BindingError.
    """
    with _loading:  # a second thread gets what the first one imported
        if module := _installed():
            return module
        try:
            return _import(unpack(cache, wheels))
        except BindingError as err:
            if err.reason not in ("unpack_failed", "unloadable_libtorrent"):
                raise
            return _import_once(wheels, err)


def sweep(cache: Path, wheels: Path = WHEELS) -> None:
    """Delete what other versions of the bundled wheel, and processes that were killed, left in `cache`. Blocks.

    `cache` must be this Home Assistant's own: what another process imports from it would be gone.
    """
    try:
        kept = f"{PREFIX}{_checked(_fitting(wheels))[:DIGITS]}"
    except BindingError:  # an installed libtorrent serves this interpreter
        kept = ""
    now = time.time()
    for path in cache.glob(f"{PREFIX}*"):
        if path.name == kept:
            continue
        with contextlib.suppress(OSError):
            if UNPACKING not in path.name or now - path.stat().st_mtime > ABANDONED:
                shutil.rmtree(path)


def remove(cache: Path) -> None:
    """Delete all unpacked wheels in `cache`; what is loaded stays loaded. Blocks."""
    for path in cache.glob(f"{PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)


def unpack(cache: Path, wheels: Path = WHEELS) -> Path:
    """Return the directory of the unpacked wheel that fits this interpreter, unpacking it if needed."""
    wheel = _fitting(wheels)
    digest = _checked(wheel)
    target = cache / f"{PREFIX}{digest[:DIGITS]}"
    if not _intact(target, wheel):
        _extract(wheel, target)
    return target


def _installed() -> ModuleType | None:
    try:
        module = importlib.import_module("libtorrent")
        if Version(module.__version__) >= MINIMUM:
            return module
    except Exception:  # noqa: BLE001  # whoever made it may raise anything; the bundled one takes its name
        return None
    del sys.modules["libtorrent"]  # too old
    return None


def _fitting(wheels: Path) -> Path:
    """Return the wheel whose tag this interpreter likes best.

    One that is listed with its checksum comes before one that another version left: who copies a folder over another
    has both.
    """
    listed = _checksums(wheels)
    tags: dict[object, Path] = {}
    for wheel in sorted(wheels.glob("libtorrent-*.whl"), key=lambda wheel: wheel.name in listed):
        try:
            tags |= dict.fromkeys(parse_wheel_filename(wheel.name)[3], wheel)
        except InvalidWheelFilename:
            continue
    for tag in sys_tags():
        if tag in tags:
            return tags[tag]
    raise BindingError("no_libtorrent", **_environment())


def _environment() -> dict[str, str]:
    libc = " ".join(part for part in platform.libc_ver() if part) or "musl or unknown libc"
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "python": " ".join([platform.python_implementation(), platform.python_version(), *_peculiarities()]),
        "libc": libc,
    }


def _peculiarities() -> list[str]:
    """Return what the version of this Python does not tell, and no wheel here is for."""
    return [
        *(["(32-bit)"] if sys.maxsize < 1 << 32 else []),  # also below the kernel of a 64-bit processor
        *(["(free-threaded)"] if sysconfig.get_config_var("Py_GIL_DISABLED") else []),
    ]


def _checksums(wheels: Path) -> dict[str, str]:
    """Return the name of each listed wheel -> its SHA-256 (hex)."""
    try:
        lines = (wheels / CHECKSUMS).read_text("ascii").splitlines()
    except OSError, UnicodeError:
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _checked(wheel: Path) -> str:
    """Return the wheel's SHA-256 (hex) if it is the one listed beside it."""
    try:
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    except OSError as err:
        raise BindingError("damaged_libtorrent", wheel=wheel.name) from err
    if _checksums(wheel.parent).get(wheel.name) != digest:
        raise BindingError("damaged_libtorrent", wheel=wheel.name)
    return digest


def _intact(target: Path, wheel: Path) -> bool:
    """Tell whether every file of `wheel` stands in `target` with the hash its RECORD gives."""
    for name, digest in _record(wheel):
        try:
            found = hashlib.sha256((target / name).read_bytes()).digest()
        except OSError:
            return False
        if base64.urlsafe_b64encode(found).rstrip(b"=").decode() != digest:
            return False
    return True


def _record(wheel: Path) -> list[tuple[str, str]]:
    """Return (file name, unpadded base64url SHA-256) of each hashed file of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
        rows = csv.reader(io.StringIO(archive.read(name).decode()))
    return [(row[0], row[1].removeprefix("sha256=")) for row in rows if row and row[1]]


def _extract(wheel: Path, target: Path) -> None:
    """Unpack beside `target` and rename, so that a reader sees all of it or nothing."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{target.name}{UNPACKING}", dir=target.parent))
        try:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(fresh)
            fresh.chmod(0o755)
            if _intact(target, wheel):  # another process was first, and may be importing it
                return
            if target.exists():
                target.rename(fresh / "replaced")
            os.rename(fresh, target)  # noqa: PTH104  # fails on a non-empty target, as it must here
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(target / "replaced", ignore_errors=True)
    except OSError as err:
        if not _intact(target, wheel):
            raise BindingError("unpack_failed", directory=str(target.parent), error=str(err)) from err


def _import_once(wheels: Path, failure: BindingError) -> ModuleType:
    """Import from a directory that is deleted at once: what is loaded stays loaded. Else raises `failure`."""
    try:
        directory = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
    except OSError:
        raise failure from None
    with directory as private:  # nobody else may write there
        try:
            return _import(unpack(Path(private), wheels))
        except BindingError as err:
            raise (failure if err.reason == "unpack_failed" else err) from None


def _import(directory: Path) -> ModuleType:
    spec = importlib.machinery.PathFinder.find_spec("libtorrent", [str(directory)])
    if spec is None or spec.loader is None:  # somebody cleaned up meanwhile
        raise _unloadable(f"{directory} has none")
    try:
        module = importlib.util.module_from_spec(spec)
        sys.modules["libtorrent"] = module
        spec.loader.exec_module(module)
    except ImportError as err:
        sys.modules.pop("libtorrent", None)
        raise _unloadable(str(err)) from err
    return module


def _unloadable(error: str) -> BindingError:
    return BindingError("unloadable_libtorrent", error=error, **_environment())
