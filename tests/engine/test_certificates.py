"""HTTPS trackers: whose certificates are trusted, and that no others are."""
# ruff: noqa: ARG001  # fixtures are asked for by name

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import certifi
import pytest

from custom_components.torrent_cast.engine import certificates
from custom_components.torrent_cast.engine.certificates import VARIABLES, authorities
from tests.engine.conftest import PIECE, Seed, Seeders, StartEngine, add, noise, read_all, until, write
from tests.rig.https_tracker import DAY, Authority, HttpsTracker, https_tracker

DATA = noise(20 * PIECE + 99)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, rig_sockets: None) -> None:
    """Let no variable of this machine's decide."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return an authority that nobody knows yet."""
    return Authority(tmp_path / "authority")


@pytest.fixture
def seed(seeders: Seeders, tmp_path: Path) -> Seed:
    """Return a film that only the tracker tells where to find."""
    return seeders.seed(write(tmp_path / "film.mkv", DATA))


def magnet(seed: Seed, tracker: HttpsTracker) -> str:
    return f"{seed.metainfo.magnet}&tr={quote(tracker.url, safe='')}"


async def test_a_tracker_over_https_finds_the_film(
    authority: Authority, seed: Seed, start_engine: StartEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    engine = await start_engine()

    with https_tracker(authority.context(), (seed.address, seed.port)) as tracker:
        assert await read_all(await add(engine, magnet(seed, tracker))) == DATA

    assert "info_hash=" in tracker.announces[0]


async def test_where_the_system_has_no_authorities_certifis_are_taken(
    authority: Authority, seed: Seed, start_engine: StartEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "_has_certificates", lambda _system: False)
    monkeypatch.setattr(certifi, "where", lambda: str(authority.certificate))
    engine = await start_engine()

    with https_tracker(authority.context(), (seed.address, seed.port)) as tracker:
        assert await read_all(await add(engine, magnet(seed, tracker))) == DATA


def unknown(authority: Authority, folder: Path) -> ssl.SSLContext:
    return Authority(folder / "somebody else").context()


def elsewhere(authority: Authority, folder: Path) -> ssl.SSLContext:
    return authority.context("192.0.2.1")


def expired(authority: Authority, folder: Path) -> ssl.SSLContext:
    return authority.context(lasts=-DAY)


@pytest.mark.parametrize("bad", [unknown, elsewhere, expired])
async def test_a_tracker_without_a_trusted_certificate_is_told_nothing(
    authority: Authority,
    seed: Seed,
    start_engine: StartEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bad: Callable[[Authority, Path], ssl.SSLContext],
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    engine = await start_engine()

    with https_tracker(bad(authority, tmp_path), (seed.address, seed.port)) as tracker:
        await engine.add(await engine.parse(magnet(seed, tracker)))
        await until(lambda: tracker.refusals)

    assert tracker.announces == []
    assert "ALERT" in tracker.refusals[0]  # it was the client that hung up


def test_the_system_s_own_authorities_are_left_to_openssl(tmp_path: Path) -> None:
    write(tmp_path / "file" / "cert.pem", b"certificates")
    write(tmp_path / "directory" / "certs" / "5ed36f99.0", b"a certificate")

    for system in (tmp_path / "file", tmp_path / "directory"):
        with authorities(system):
            assert "SSL_CERT_FILE" not in os.environ


@pytest.mark.parametrize("found", ["certs/README", "certs/ca-bundle.crt", "openssl.cnf"])
def test_certifi_stands_in_for_as_long_as_it_is_needed(tmp_path: Path, found: str) -> None:
    write(tmp_path / "ssl" / found, b"no certificates by hash")

    with authorities(tmp_path / "ssl"):
        assert os.environ["SSL_CERT_FILE"] == certifi.where()

    assert "SSL_CERT_FILE" not in os.environ


@pytest.mark.parametrize("name", VARIABLES)
def test_what_the_administrator_chose_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "/chosen")

    with authorities(tmp_path):
        assert {key: os.environ.get(key) for key in VARIABLES} == dict.fromkeys(VARIABLES) | {name: "/chosen"}

    assert os.environ[name] == "/chosen"
