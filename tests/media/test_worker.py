"""The worker process: real, with methods that do what hostile files do."""
# the name of a test is its sentence

import asyncio
import gc
import os
from pathlib import Path

import pytest

from custom_components.torrent_cast.media import Reason, Unplayable, Worker

from .sources import MemorySource

HOSTILE = Path(__file__).with_name("hostile.py")
MIB = 1 << 20


async def call(worker: Worker, method: str) -> dict[str, object]:
    """Call a method on a file that does not matter."""
    return (await worker.call("job", MemorySource(b"x"), method)).result


async def failure(worker: Worker, method: str) -> Reason:
    """Return why a method fails."""
    with pytest.raises(Unplayable) as caught:
        await call(worker, method)
    return Reason(caught.value.reason)


async def test_one_process_serves_all_calls() -> None:
    async with Worker(HOSTILE) as worker:
        await worker.start()
        first = await call(worker, "identify")
        second = await call(worker, "identify")
    assert first["pid"] == second["pid"] != os.getpid()


async def test_the_process_gets_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERVISOR_TOKEN", "secret")
    async with Worker(HOSTILE) as worker:
        environment = (await call(worker, "identify"))["environment"]
    assert isinstance(environment, dict)
    assert environment.keys() <= {"LC_CTYPE", "LD_LIBRARY_PATH"}


async def test_the_process_is_the_first_to_go_where_the_machine_runs_out_of_memory() -> None:
    async with Worker(HOSTILE) as worker:
        pid = (await call(worker, "identify"))["pid"]
        assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "1000"  # noqa: ASYNC240  # no disk's


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("die", Reason.CRASHED),
        ("babble", Reason.CRASHED),
        ("nest", Reason.CRASHED),
        ("pry", Reason.CRASHED),
        ("hog", Reason.TOO_BIG),
    ],
)
async def test_what_a_file_does_to_the_process_is_an_error_of_that_call(method: str, reason: Reason) -> None:
    async with Worker(HOSTILE) as worker:
        results = await asyncio.gather(failure(worker, method), call(worker, "identify"))
    assert results[0] is reason


async def test_a_loop_without_end_ends_at_the_deadline() -> None:
    async with Worker(HOSTILE, deadline=0.2) as worker:
        assert await failure(worker, "loop") is Reason.TIMEOUT
        assert await call(worker, "identify")


async def test_a_program_that_does_not_start_is_unavailable(tmp_path: Path) -> None:
    async with Worker(tmp_path / "none.py") as worker:
        with pytest.raises(Unplayable) as caught:
            await worker.start()
    assert caught.value.reason is Reason.UNAVAILABLE


async def test_bytes_travel_once() -> None:
    source = MemorySource(bytes(20 * MIB))
    async with Worker(HOSTILE) as worker:
        await worker.call("job", source, "scatter")
        asked = list(source.asked)
        await worker.call("job", source, "scatter")
    assert source.asked == asked
    assert len(asked) == len(set(asked))
    # 11 jumps ask for 256 KiB each, the twelfth, into the last 8 MiB, for the rest.
    assert asked[:12] == [(at * MIB, at * MIB + MIB // 4) for at in range(12)]
    assert asked[12:] == [(12 * MIB, 20 * MIB)]


async def test_a_file_that_wants_too_much_at_once_is_too_big() -> None:
    source = MemorySource(bytes(300 * MIB))
    async with Worker(HOSTILE, deadline=60.0) as worker:  # s: on a busy machine the work takes longer
        with pytest.raises(Unplayable) as caught:
            await worker.call("job", source, "scatter")
    assert caught.value.reason is Reason.TOO_BIG
    assert sum(end - start for start, end in source.asked) < 80 * MIB


async def test_a_call_that_waits_for_bytes_holds_nobody_up() -> None:
    source = MemorySource(b"x")
    source.open.clear()
    async with Worker(HOSTILE) as worker, asyncio.TaskGroup() as tasks:
        waits = tasks.create_task(worker.call("slow", source, "scatter"))
        await source.waiting.wait()
        assert await call(worker, "identify")
        assert not waits.done()
        source.open.set()


async def test_a_process_that_dies_while_bytes_are_awaited_is_replaced() -> None:
    source = MemorySource(b"x")
    source.open.clear()
    async with Worker(HOSTILE) as worker, asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.call("slow", source, "scatter"))
        await source.waiting.wait()
        assert worker._link
        worker._link.process.kill()
        await worker._link.process.wait()
        source.open.set()


async def test_a_cancelled_call_leaves_the_worker_usable() -> None:
    async with Worker(HOSTILE) as worker:
        await worker.start()
        task = asyncio.create_task(call(worker, "loop"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await call(worker, "identify")


async def test_an_idle_process_ends_and_the_next_call_starts_another() -> None:
    async with Worker(HOSTILE, idle=0) as worker:
        first = await call(worker, "identify")
        assert worker._link
        await worker._link.process.wait()
        assert (await call(worker, "identify"))["pid"] != first["pid"]


async def test_stop_ends_a_running_call() -> None:
    worker = Worker(HOSTILE)
    await worker.start()
    task = asyncio.create_task(failure(worker, "loop"))
    await asyncio.sleep(0)
    await worker.stop()
    assert await task is Reason.STOPPED


async def test_stop_while_starting_leaves_no_process() -> None:
    worker = Worker(HOSTILE)
    task = asyncio.create_task(failure(worker, "identify"))
    await asyncio.sleep(0)
    await worker.stop()
    assert await task is Reason.STOPPED
    assert worker._link is None


async def test_a_stopped_worker_stays_stopped() -> None:
    worker = Worker(HOSTILE)
    await worker.start()
    await worker.stop()
    await worker.stop()
    assert await failure(worker, "identify") is Reason.STOPPED


def test_nothing_is_left_when_the_loop_closes(recwarn: pytest.WarningsRecorder) -> None:
    async def use() -> object:
        async with Worker(HOSTILE) as worker:
            return (await call(worker, "identify"))["pid"]

    pid = asyncio.run(use())
    gc.collect()
    assert not [warning for warning in recwarn if issubclass(warning.category, ResourceWarning)]
    assert not Path(f"/proc/{pid}").exists()
