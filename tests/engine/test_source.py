"""What counts as a torrent, and what does not."""

import hashlib
from itertools import chain
from pathlib import Path
from types import ModuleType

import pytest

from custom_components.torrent_cast.engine import SourceError
from custom_components.torrent_cast.engine.source import MAX_MAGNET_CHARS, from_magnet, from_torrent, is_magnet
from custom_components.torrent_cast.engine.storage import KEY as KEY_OF_A_FOLDER
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
        (f"magnet:?xt={V2[:-2]}", "bad_magnet"),
        (f"magnet:?xt={V2}cd", "bad_magnet"),
        (f"magnet:?xt=urn:btmh:1220{'zz' * 32}", "bad_magnet"),
        (f"magnet:?xt=urn:btmh:1114{'cd' * 20}", "bad_magnet"),  # a multihash of SHA-1
        (f"{MAGNET}&ws=%FF%FE", "bad_magnet"),
        (f"{MAGNET}&so=x", "bad_selection"),
        (f"{MAGNET}&so=-1", "bad_selection"),
        (f"{MAGNET}&so=6-4", "bad_selection"),
        (f"{MAGNET}&so=1,", "bad_selection"),
        (f"{MAGNET}&so=1&so=x", "bad_selection"),
        (f"{MAGNET}&so={'9' * 10}", "bad_selection"),
        ("ab" * 21, "not_a_magnet"),
        ("zz" * 20, "not_a_magnet"),
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


def test_a_v2_torrent_goes_by_its_v2_hash(libtorrent: ModuleType, tmp_path: Path) -> None:
    data = torrent(libtorrent, tmp_path, libtorrent.create_torrent.v2_only)

    source = from_torrent(libtorrent, data)

    assert source.key == hashlib.sha256(libtorrent.bencode(libtorrent.bdecode(data)[b"info"])).hexdigest()
    assert source.info_hashes == (source.key,)
    assert KEY_OF_A_FOLDER.fullmatch(source.key)


def test_layers_that_do_not_fit_are_refused(libtorrent: ModuleType, tmp_path: Path) -> None:
    metainfo = libtorrent.bdecode(torrent(libtorrent, tmp_path, libtorrent.create_torrent.v2_only))
    metainfo[b"piece layers"] = {root: bytes(len(layer)) for root, layer in metainfo[b"piece layers"].items()}

    with pytest.raises(SourceError) as error:
        from_torrent(libtorrent, libtorrent.bencode(metainfo))

    assert error.value.reason == "bad_torrent"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (KEY, KEY),
        (f" {KEY.upper()}\n", KEY),
        ("VOV2XK5LVOV2XK5LVOV2XK5LVOV2XK5L", KEY),
        ("vov2xk5lvov2xk5lvov2xk5lvov2xk5l", KEY),
        ("cd" * 32, "cd" * 32),
        ("CD" * 32, "cd" * 32),
        (f"magnet:?xt={V2}", "cd" * 32),
    ],
)
def test_an_info_hash_is_enough(libtorrent: ModuleType, text: str, key: str) -> None:
    assert from_magnet(libtorrent, text).key == key


@pytest.mark.parametrize(
    ("selection", "indexes"),
    [
        ("", []),
        ("&so=", []),
        ("&so=0", [0]),
        ("&so=0,2,4-6", [0, 2, 4, 5, 6]),
        ("&so=1&so=3", [1, 3]),
        ("&so=1%2C3", [1, 3]),
        ("&so=7-7", [7]),
    ],
)
def test_a_magnet_selects_files(libtorrent: ModuleType, selection: str, indexes: list[int]) -> None:
    assert list(chain(*from_magnet(libtorrent, MAGNET + selection).only)) == indexes


def test_a_selection_of_a_billion_files_takes_no_room(libtorrent: ModuleType) -> None:
    assert from_magnet(libtorrent, f"{MAGNET}&so=0-999999999").only == (range(10**9),)


def test_web_seeds_of_a_magnet_are_kept(libtorrent: ModuleType) -> None:
    source = from_magnet(libtorrent, f"{MAGNET}&ws=http%3A%2F%2Fa.invalid%2Ffilm.mkv")

    assert source.params.url_seeds == ["http://a.invalid/film.mkv"]


def test_a_hybrid_torrent_goes_by_its_v1_hash(libtorrent: ModuleType, tmp_path: Path) -> None:
    data = torrent(libtorrent, tmp_path, 0)

    source = from_torrent(libtorrent, data)

    assert source.key == str(libtorrent.torrent_info(libtorrent.bdecode(data)).info_hashes().v1)
    assert source.info_hashes == (source.key, str(source.params.info_hashes.v2))
    assert source.name == "film.mkv"
