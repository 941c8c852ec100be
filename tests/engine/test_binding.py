"""Which libtorrent is loaded, and what a damaged one leads to."""

import base64
import hashlib
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from subprocess import PIPE
from types import ModuleType
from zipfile import ZipFile

import pytest
from packaging.tags import parse_tag, sys_tags

from custom_components.torrent_cast.engine import BindingError, binding
from custom_components.torrent_cast.engine.binding import WHEELS, load, sweep, unpack
from tests.engine.conftest import write


@pytest.fixture(autouse=True)
def loaded() -> Iterator[None]:
    """Give the name libtorrent back to the real one."""
    before = sys.modules.pop("libtorrent", None)
    yield
    sys.modules.pop("libtorrent", None)
    if before is not None:
        sys.modules["libtorrent"] = before


def make_wheel(
    folder: Path,
    source: str = "__version__ = '2.0.11.0'\n",
    tag: str | None = None,
    module: str = "libtorrent/__init__.py",
) -> Path:
    """Return a wheel of one module, with its checksum beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"libtorrent-2.0.11-{tag or next(iter(sys_tags()))}.whl"
    record = "libtorrent-2.0.11.dist-info/RECORD"
    with ZipFile(wheel, "w") as archive:
        archive.writestr(module, source)
        digest = _urlsafe(source.encode())
        archive.writestr(record, f"{module},sha256={digest},{len(source)}\n{record},,\n")
    (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(wheel.read_bytes()).hexdigest()}  {wheel.name}\n")
    return wheel


def _urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def install(folder: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "libtorrent.py", f"__version__ = {version!r}\n".encode())
    monkeypatch.syspath_prepend(folder)


@pytest.mark.parametrize("version", ["2.0.11.0", "2.0.12", "2.1.1"])
def test_an_installed_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    install(tmp_path / "site", version, monkeypatch)

    module = load(tmp_path / "cache", tmp_path / "no wheels")

    assert module.__version__ == version
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("version", ["2.0.10", "1.2.19", "no version"])
def test_one_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    install(tmp_path / "site", version, monkeypatch)
    make_wheel(tmp_path / "wheels")

    module = load(tmp_path / "cache", tmp_path / "wheels")

    assert Path(str(module.__file__)).is_relative_to(tmp_path / "cache")
    assert sys.modules["libtorrent"] is module


@pytest.mark.parametrize("source", ["raise OSError('no such library')\n", "__version__ = None\n", "import missing\n"])
def test_one_that_does_not_work_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    write(tmp_path / "site" / "libtorrent.py", source.encode())
    monkeypatch.syspath_prepend(tmp_path / "site")
    make_wheel(tmp_path / "wheels")

    module = load(tmp_path / "cache", tmp_path / "wheels")

    assert Path(str(module.__file__)).is_relative_to(tmp_path / "cache")


def test_the_bundled_one_works(tmp_path: Path, libtorrent: ModuleType) -> None:
    sys.modules["libtorrent"] = libtorrent

    assert load(tmp_path) is libtorrent
    assert any(unpack(tmp_path).glob("libtorrent*"))


def test_it_is_unpacked_once(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels")
    first = unpack(tmp_path / "cache", tmp_path / "wheels")
    inode = first.stat().st_ino

    assert unpack(tmp_path / "cache", tmp_path / "wheels") == first
    assert first.stat().st_ino == inode
    assert list((tmp_path / "cache").iterdir()) == [first]


@pytest.mark.parametrize("damage", [b"import evil\n", None])
def test_a_damaged_file_is_repaired(tmp_path: Path, damage: bytes | None) -> None:
    make_wheel(tmp_path / "wheels")
    target = unpack(tmp_path / "cache", tmp_path / "wheels")
    module = target / "libtorrent" / "__init__.py"
    if damage is None:
        module.unlink()
    else:
        module.write_bytes(damage)

    unpack(tmp_path / "cache", tmp_path / "wheels")

    assert module.read_text() == "__version__ = '2.0.11.0'\n"
    assert list((tmp_path / "cache").iterdir()) == [target]
    assert not (target / "replaced").exists()


@pytest.mark.parametrize("sums", [None, "", "nonsense\n", "00  other.whl\n", f"{'0' * 64}  {{name}}\n", "\N{SNOWMAN}"])
def test_a_wheel_that_is_not_the_listed_one_is_refused(tmp_path: Path, sums: str | None) -> None:
    wheel = make_wheel(tmp_path / "wheels")
    if sums is None:
        (tmp_path / "wheels" / "SHA256SUMS").unlink()
    else:
        (tmp_path / "wheels" / "SHA256SUMS").write_text(sums.format(name=wheel.name), "utf-8")

    with pytest.raises(BindingError) as error:
        unpack(tmp_path / "cache", tmp_path / "wheels")

    assert error.value.reason == "damaged_libtorrent"
    assert error.value.details == {"wheel": wheel.name}


@pytest.mark.parametrize("version", ["2.0.9", "2.0.10", "9.0"])
def test_a_wheel_that_another_version_left_is_passed_over(tmp_path: Path, version: str) -> None:
    wheel = make_wheel(tmp_path / "wheels")
    write(wheel.with_name(wheel.name.replace("2.0.11", version)), b"not listed any more")

    target = unpack(tmp_path / "cache", tmp_path / "wheels")

    assert (target / "libtorrent-2.0.11.dist-info").is_dir()


def test_a_wheel_that_cannot_be_read_is_damaged(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels")
    wheel.unlink()
    wheel.mkdir()

    with pytest.raises(BindingError) as error:
        unpack(tmp_path / "cache", tmp_path / "wheels")

    assert error.value.reason == "damaged_libtorrent"


def test_without_a_fitting_wheel_the_error_names_the_machine(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", tag="cp27-none-win32")
    write(tmp_path / "wheels" / "libtorrent-nonsense.whl", b"")

    with pytest.raises(BindingError) as error:
        unpack(tmp_path / "cache", tmp_path / "wheels")

    assert error.value.reason == "no_libtorrent"
    assert sys.platform in error.value.details["platform"].lower()
    assert error.value.details["python"].startswith("CPython 3.")
    assert re.match("glibc|musl", error.value.details["libc"])


@pytest.mark.parametrize(
    "interpreter",
    ["cp315-cp315-musllinux_1_2_x86_64", "cp314-cp314t-manylinux_2_28_x86_64", "cp314-cp314-linux_armv7l"],
)
def test_another_python_or_processor_than_the_bundled_wheels_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interpreter: str
) -> None:
    monkeypatch.setattr(binding, "sys_tags", lambda: iter(parse_tag(interpreter)))

    with pytest.raises(BindingError) as error:
        unpack(tmp_path)

    assert error.value.reason == "no_libtorrent"


@pytest.mark.parametrize(
    ("owner", "name", "value", "said"),
    [(sys, "maxsize", (1 << 31) - 1, "(32-bit)"), (sysconfig, "get_config_var", lambda _: 1, "(free-threaded)")],
)
def test_the_error_names_what_the_version_does_not_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: ModuleType, name: str, value: object, said: str
) -> None:
    monkeypatch.setattr(binding, "sys_tags", lambda: iter(()))
    monkeypatch.setattr(owner, name, value)

    with pytest.raises(BindingError) as error:
        unpack(tmp_path)

    assert error.value.details["python"].endswith(said)


def test_a_wheel_that_cannot_be_imported_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "site", "1.0", monkeypatch)
    make_wheel(tmp_path / "wheels", "import a_library_that_is_missing\n")

    with pytest.raises(BindingError) as error:
        load(tmp_path / "cache", tmp_path / "wheels")

    assert error.value.reason == "unloadable_libtorrent"
    assert "a_library_that_is_missing" in error.value.details["error"]
    assert "libtorrent" not in sys.modules


def test_a_wheel_for_another_processor_is_an_error(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "\x7fELF of nobody", module=f"libtorrent{EXTENSION_SUFFIXES[0]}")

    with pytest.raises(BindingError) as error:
        load(tmp_path / "cache", tmp_path / "wheels")

    assert error.value.reason == "unloadable_libtorrent"
    assert "libtorrent" not in sys.modules


def test_a_wheel_without_a_module_is_an_error(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", module="another.py")

    with pytest.raises(BindingError) as error:
        load(tmp_path / "cache", tmp_path / "wheels")

    assert error.value.reason == "unloadable_libtorrent"


def test_where_the_cache_cannot_be_written_it_is_unpacked_for_the_import_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(tmp_path / "wheels")
    write(tmp_path / "file", b"")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    module = load(tmp_path / "file" / "cache", tmp_path / "wheels")

    assert module.__version__ == "2.0.11.0"
    assert list((tmp_path / "temporary").iterdir()) == []


def test_where_nothing_can_be_written_the_error_names_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(tmp_path / "wheels")
    write(tmp_path / "file", b"")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))

    with pytest.raises(BindingError) as error:
        load(tmp_path / "file" / "cache", tmp_path / "wheels")

    assert error.value.reason == "unpack_failed"
    assert error.value.details["directory"] == str(tmp_path / "file" / "cache")


def test_a_new_version_replaces_the_one_before(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels")
    before = unpack(tmp_path / "cache", tmp_path / "wheels")
    make_wheel(tmp_path / "wheels", "__version__ = '2.0.12.0'\n")

    after = unpack(tmp_path / "cache", tmp_path / "wheels")
    sweep(tmp_path / "cache", tmp_path / "wheels")

    assert after != before
    assert list((tmp_path / "cache").iterdir()) == [after]


def test_sweeping_leaves_what_is_being_unpacked_and_what_is_not_its_own(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels")
    kept = unpack(tmp_path / "cache", tmp_path / "wheels")
    write(tmp_path / "cache" / "films" / "film.mkv", b"")
    write(tmp_path / "cache" / f"{kept.name}.abandoned" / "libtorrent.so", b"")
    write(tmp_path / "cache" / f"{kept.name}.unpacking" / "libtorrent.so", b"")
    os.utime(tmp_path / "cache" / f"{kept.name}.abandoned", (0, 0))

    sweep(tmp_path / "cache", tmp_path / "wheels")

    assert {path.name for path in (tmp_path / "cache").iterdir()} == {kept.name, f"{kept.name}.unpacking", "films"}


def test_where_an_installed_one_serves_all_unpacked_ones_are_swept(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels")
    unpack(tmp_path / "cache", tmp_path / "wheels")

    sweep(tmp_path / "cache", tmp_path / "no wheels")

    assert list((tmp_path / "cache").iterdir()) == []


def test_threads_that_load_at_once_get_the_same_module(tmp_path: Path) -> None:
    imports = tmp_path / "imports"
    make_wheel(
        tmp_path / "wheels", f"with open({str(imports)!r}, 'a') as log: log.write('.')\n__version__ = '2.0.11.0'\n"
    )
    together = threading.Barrier(8)

    def start(_: int) -> ModuleType:
        together.wait()
        return load(tmp_path / "cache", tmp_path / "wheels")

    with ThreadPoolExecutor(8) as pool:
        modules = list(pool.map(start, range(8)))

    assert {id(module) for module in modules} == {id(sys.modules["libtorrent"])}
    assert imports.read_text() == "."


# What a second Home Assistant does; it ends at the first thing that asks the network.
PROCESS = """
import sys

def offline(event, arguments):
    if event.startswith("socket."):
        raise RuntimeError(event)

sys.addaudithook(offline)
sys.path[:0] = sys.argv[3:]
import tests.bare
from pathlib import Path
from custom_components.torrent_cast.engine import binding
print(sys.stdin.readline() + binding.load(Path(sys.argv[1]), Path(sys.argv[2])).__file__)
"""


def test_processes_that_start_at_once_share_one_and_ask_no_network(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROCESS, str(tmp_path), str(WHEELS), *sys.path]
    processes = [subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) for _ in range(3)]
    for process in processes:  # each waits for its line
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = {process.communicate()[0].splitlines()[-1] for process in processes}

    assert len(answers) == 1
    assert Path(answers.pop()).parent == unpack(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


# Runs a command where nothing may be executed from a directory, the first argument.
NOEXEC = ("unshare", "--map-root-user", "--mount", "sh", "-ec", 'mount -t tmpfs -o noexec none "$0"; exec "$@"')


def test_where_nothing_may_be_executed_from_the_cache_it_is_imported_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    noexec = (*NOEXEC, str(tmp_path / "cache"))
    if subprocess.run([*noexec, "true"], check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    command = [*noexec, sys.executable, "-c", PROCESS, str(tmp_path / "cache"), str(WHEELS), *sys.path]
    process = subprocess.run(command, check=True, input="go\n", stdout=PIPE, text=True)

    assert Path(process.stdout.splitlines()[-1]).is_relative_to(tempfile.gettempdir())


# A Home Assistant that is killed when the wheel's first file is unpacked and its second one is to be.
KILLED = """
import os
import signal
import sys

def kill(event, arguments):
    if event == "open" and str(arguments[0]).endswith("METADATA") and str(arguments[0]).startswith(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)

sys.path[:0] = sys.argv[2:]
import tests.bare
from pathlib import Path
from custom_components.torrent_cast.engine import binding
sys.addaudithook(kill)
binding.load(Path(sys.argv[1]))
"""


def test_what_a_killed_process_unpacked_is_neither_taken_nor_kept(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), *sys.path], check=False)
    assert killed.returncode == -signal.SIGKILL
    (half,) = tmp_path.iterdir()
    assert any(half.glob("libtorrent*.so"))

    target = unpack(tmp_path)
    os.utime(half, (0, 0))
    sweep(tmp_path)

    assert any(target.glob("libtorrent-*.dist-info/METADATA"))
    assert list(tmp_path.iterdir()) == [target]


def test_those_that_unpack_at_once_do_not_harm_each_other(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels")
    with ThreadPoolExecutor(8) as pool:  # they share nothing but the directory
        targets = list(pool.map(lambda _: unpack(tmp_path / "cache", tmp_path / "wheels"), range(64)))

    assert len(set(targets)) == 1
    assert list((tmp_path / "cache").iterdir()) == [targets[0]]
    assert sorted(path.name for path in targets[0].iterdir()) == ["libtorrent", "libtorrent-2.0.11.dist-info"]
