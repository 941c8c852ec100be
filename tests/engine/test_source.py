"""What counts as a torrent, and what does not."""

from pathlib import Path
from types import ModuleType

import pytest

from custom_components.torrent_cast.engine import SourceError
from custom_components.torrent_cast.engine.source import MAX_MAGNET_CHARS, from_magnet, from_torrent, is_magnet
from tests.engine.conftest import PIECE, noise, write

KEY = "ab" * 20
MAGNET = f"magnet:?xt=urn:btih:{KEY}"
V2 = f"urn:btmh:1220{'cd' * 32}"


def torrent(libtorrent: ModuleType, folder: Path, flags: int) -> bytes:
    storage = libtorrent.file_storage()
    libtorrent.add_files(storage, str(write(folder / "film.mkv", noise(3 * PIECE))))
    creator = libtorrent.create_torrent(storage, PIECE, flags)
    libtorrent.set_piece_hashes(creator, str(folder))
    made: bytes = libtorrent.bencode(creator.generate())
    return made


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not_a_magnet"),
        ("http://example.com/film.torrent", "not_a_magnet"),
        ("magnet:", "bad_magnet"),
        ("magnet:?dn=film", "bad_magnet"),
        ("magnet:?xt=urn:btih:short", "bad_magnet"),
        (f"magnet:?xt=urn:btih:{'zz' * 20}", "bad_magnet"),
        (f"{MAGNET}&dn=%FF%FE", "bad_magnet"),  # no UTF-8
        (f"{MAGNET}&tr=%FF%FE", "bad_magnet"),
        (f"{MAGNET}&dn=\ud800", "bad_magnet"),
        (f"magnet:?xt={V2}", "v2_only"),
        (f"{MAGNET}&dn={'a' * MAX_MAGNET_CHARS}", "magnet_too_long"),
    ],
)
def test_a_bad_magnet_is_refused(libtorrent: ModuleType, text: str, reason: str) -> None:
    with pytest.raises(SourceError) as error:
        from_magnet(libtorrent, text)

    assert error.value.reason == reason


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (MAGNET, ""),
        (f"  {MAGNET}\n", ""),
        (f"MAGNET:{MAGNET.partition(':')[2]}", ""),
        (f"magnet:?xt=urn:btih:{KEY.upper()}&dn=A+film", "A film"),
        (f"{MAGNET}&xt={V2}&dn=hybrid", "hybrid"),
        (f"{MAGNET}&dn=a%00b%0Ac%1B%E2%80%AEd", "abcd"),
    ],
)
def test_a_magnet_names_a_torrent(libtorrent: ModuleType, text: str, name: str) -> None:
    source = from_magnet(libtorrent, text)

    assert source.key == KEY
    assert source.name == name
    assert is_magnet(text.strip())


def test_a_base32_hash_is_the_same_torrent(libtorrent: ModuleType) -> None:
    assert from_magnet(libtorrent, "magnet:?xt=urn:btih:VOV2XK5LVOV2XK5LVOV2XK5LVOV2XK5L").key == KEY


def test_peers_and_trackers_of_a_magnet_are_kept(libtorrent: ModuleType) -> None:
    source = from_magnet(libtorrent, f"{MAGNET}&x.pe=127.0.0.1:6881&x.pe=127.0.0.2:6882&tr=http%3A%2F%2Ft.invalid%2Fa")

    assert source.params.peers == [("127.0.0.1", 6881), ("127.0.0.2", 6882)]
    assert source.params.trackers == ["http://t.invalid/a"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "bad_torrent"),
        (b"<html>not found</html>", "bad_torrent"),
        (b"d4:infod4:name1:aee", "bad_torrent"),
        (b"d4:info", "bad_torrent"),
        (b"l" * 100_000, "bad_torrent"),
        (b"d4:info999999999999999999:", "bad_torrent"),
        (bytes(11 << 20), "torrent_too_large"),
    ],
)
def test_bad_bytes_are_refused(libtorrent: ModuleType, data: bytes, reason: str) -> None:
    with pytest.raises(SourceError) as error:
        from_torrent(libtorrent, data)

    assert error.value.reason == reason


def test_a_v2_only_torrent_is_refused(libtorrent: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as error:
        from_torrent(libtorrent, torrent(libtorrent, tmp_path, libtorrent.create_torrent.v2_only))

    assert error.value.reason == "v2_only"


def test_a_hybrid_torrent_goes_by_its_v1_hash(libtorrent: ModuleType, tmp_path: Path) -> None:
    data = torrent(libtorrent, tmp_path, 0)

    source = from_torrent(libtorrent, data)

    assert source.key == str(libtorrent.torrent_info(libtorrent.bdecode(data)).info_hashes().v1)
    assert source.params.info_hashes.has_v2()
    assert source.name == "film.mkv"
