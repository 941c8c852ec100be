"""One session: getting ready, states, its end."""

import asyncio

import pytest

from custom_components.torrent_cast.engine import MetadataTimeout, Torrent, TorrentFile
from custom_components.torrent_cast.media import Unplayable
from custom_components.torrent_cast.playback import Playback, Session, SessionEnded, State
from custom_components.torrent_cast.playback.sessions import Sessions
from tests.conftest import PATIENCE, Seed, settled, soon, until


@pytest.fixture
async def waiting(playback: Playback, noise: Seed) -> Session:
    """Return a session on a torrent nobody describes."""
    return playback.start_session(await playback.parse(noise.lonely_magnet))


async def start(session: Session, method: str = "resolve") -> asyncio.Task[None]:
    """Start getting ready, and return once it is under way."""
    task = asyncio.create_task(getattr(session, method)())
    await until(lambda: method in session._work)
    return task


async def test_a_film_gets_ready(playback: Playback, film: Seed) -> None:
    session = playback.start_session(await playback.parse(film.magnet))
    await soon(session.prepare())
    assert session.state is State.BUFFERING
    assert session.probe is not None
    assert session.probe.video_codec == "h264"
    assert session.content_type == "video/mp4"
    assert session.title == "The film (2026).mp4"
    assert session.torrent is not None
    assert session.file is not None
    (begin, end), *_ = session.torrent.verified(session.file)
    assert begin == 0
    assert end >= session.probe.index[0][1]


async def test_nobody_loses_patience_while_files_are_checked(
    playback: Playback, film: Seed, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await playback.parse(film.magnet)
    await soon(playback.start_session(source).prepare())
    (torrent,) = playback.torrents
    looks: list[TorrentFile] = []

    def look(torrent: Torrent, file: TorrentFile) -> int:
        looks.append(file)
        return missing_bytes(torrent, file)

    missing_bytes = Torrent.missing_bytes
    monkeypatch.setattr(Torrent, "missing_bytes", look)
    monkeypatch.setattr(Sessions, "patience", 0.01)
    monkeypatch.setattr(torrent, "on_checked", lambda: None)  # as if the disk took its time
    torrent._recheck()

    session = playback.start_session(source)
    getting_ready = asyncio.create_task(session.prepare())
    await until(lambda: len(looks) > 3 or getting_ready.done())
    monkeypatch.setattr(Sessions, "patience", PATIENCE)
    Torrent.on_checked(torrent)

    await soon(getting_ready)


async def test_getting_ready_twice_at_once_is_done_once(playback: Playback, film: Seed) -> None:
    session = playback.start_session(await playback.parse(film.magnet))
    await soon(asyncio.gather(session.prepare(), session.resolve(), session.prepare(), session.resolve()))
    first = session.probe
    await soon(session.prepare())
    assert session.probe is first
    assert session.torrent is not None
    assert session.torrent._selection.wanted_by == {0: 1}
    assert len(session.torrent._readers) == 1


async def test_who_goes_away_leaves_the_work_to_the_others(playback: Playback, waiting: Session, noise: Seed) -> None:
    first, second = await start(waiting), await start(waiting)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await until(lambda: playback.torrents and playback.torrents[0].handle)
    noise.connect(playback)
    await soon(second)
    assert waiting.file is not None


async def test_the_last_to_go_away_leaves_the_work_to_the_next(
    playback: Playback, waiting: Session, noise: Seed
) -> None:
    only = await start(waiting)
    only.cancel()
    await asyncio.wait([only])
    await until(lambda: playback.torrents and playback.torrents[0].handle)
    noise.connect(playback)
    await soon(waiting.resolve())


@pytest.mark.parametrize("method", ["resolve", "prepare"])
async def test_the_end_is_told_to_all_who_wait(waiting: Session, method: str) -> None:
    waits = [await start(waiting, method) for _ in range(3)]
    waiting.end()
    results = await soon(asyncio.gather(*waits, return_exceptions=True))
    assert [type(result) for result in results] == [SessionEnded] * 3
    assert waiting.state is State.STOPPED


async def test_all_who_wait_get_the_same_error(playback: Playback, noise: Seed) -> None:
    session = playback.start_session(await playback.parse(noise.magnet))
    results = await soon(asyncio.gather(session.prepare(), session.prepare(), return_exceptions=True))
    assert [type(result) for result in results] == [Unplayable, Unplayable]
    assert session.state.value == "failed"
    with pytest.raises(Unplayable):
        await session.resolve()


async def test_an_unforeseen_error_fails_the_session_too(
    playback: Playback, waiting: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_session: Session) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(playback._sessions, "resolve", broken)
    with pytest.raises(ZeroDivisionError):
        await waiting.prepare()
    assert waiting.state is State.FAILED
    assert playback.sessions == ()


async def test_work_cancelled_by_the_loop_is_an_end(waiting: Session) -> None:
    wait = await start(waiting)
    waiting._work["resolve"].cancel()
    with pytest.raises(SessionEnded):
        await soon(wait)


async def test_the_end_breaks_every_connection(session: Session) -> None:
    broken: list[int] = []
    with session.connected(lambda: broken.append(1)), session.connected(lambda: broken.append(2)):
        session.end()
    assert sorted(broken) == [1, 2]


async def test_ending_twice_is_as_good_as_once(playback: Playback, session: Session) -> None:
    error = MetadataTimeout("no_metadata", seconds=1, peers=0)
    session.end(State.FAILED, error)
    session.end(State.STOPPED)
    assert session.state is State.FAILED
    await settled(playback)
    with pytest.raises(MetadataTimeout):
        await session.prepare()


async def test_an_ended_session_stays_ended(session: Session) -> None:
    session.end()
    session.set_state(State.PLAYING)
    assert session.state is State.STOPPED


async def test_waiting_for_a_state(session: Session) -> None:
    wait = asyncio.create_task(session.wait_for(State.PLAYING, State.PAUSED))
    session.set_state(State.LOADING)
    session.set_state(State.PAUSED)
    await soon(wait)


async def test_waiting_for_a_state_ends_with_the_session(session: Session) -> None:
    wait = asyncio.create_task(session.wait_for(State.PLAYING))
    session.set_state(State.LOADING)
    session.end()
    with pytest.raises(SessionEnded):
        await soon(wait)


async def test_waiting_for_an_end(session: Session) -> None:
    session.end(State.FINISHED)
    await soon(session.wait_for(State.FINISHED))


async def test_a_start_in_the_middle_buffers_the_middle(playback: Playback, film: Seed) -> None:
    session = playback.start_session(await playback.parse(film.magnet), start_position=8)
    await soon(session.prepare())
    assert session.probe is not None
    assert session.torrent is not None
    assert session.file is not None
    position = session.probe.byte_at(8).offset
    assert any(begin <= position < end for begin, end in session.torrent.verified(session.file))


async def test_id_and_token_are_not_alike_and_not_guessed(playback: Playback, film: Seed) -> None:
    source = await playback.parse(film.magnet)
    sessions = [playback.start_session(source) for _ in range(50)]
    assert len({session.id for session in sessions} | {session.token for session in sessions}) == 100
    assert all(len(session.token) >= 43 for session in sessions)  # 256 bits in base64
    assert all(session.token not in session.content_id for session in sessions)


async def test_what_it_is_called_before_the_torrent_is_known(playback: Playback, film: Seed) -> None:
    session = playback.start_session(await playback.parse(film.magnet))
    assert session.title == "The film (2026).mp4"  # the magnet's dn
    assert session.content_type == "video/mp4"
    assert playback.start_session(session.source, title="Mine").title == "Mine"
    assert playback.start_session(session.source, title="\x00").title == "The film (2026).mp4"
