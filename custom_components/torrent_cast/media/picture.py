"""Pictures for films and songs: a key frame, a cover within the file, a picture of its own; each as a small JPEG."""

from itertools import count
from typing import TYPE_CHECKING, Final

from .errors import Reason, Unplayable
from .worker import HeldBytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .worker import ByteSource, Json, Worker

SIZE: Final[Json] = {"width": 480, "height": 720}
"""Pixels at most: twice a card of the media browser on a telephone, and a poster has two by three."""

MAX_BYTES: Final = 1 << 20
"""Of a JPEG so large: an honest one has some 50 KB."""

MAX_ORIGINAL: Final = 5 << 20
"""Bytes of a cover or picture: posters have some 200 KB, scans of covers seldom three million bytes."""

JPEG: Final = b"\xff\xd8\xff"

_numbers = count(1)


async def picture(worker: Worker, source: ByteSource, seconds: float) -> bytes:
    """Return the key frame at or before `seconds`; raises Unplayable, and what `source` raises."""
    return await _made(worker, source, "picture", {"seconds": seconds})


async def cover(worker: Worker, source: ByteSource) -> bytes:
    """Return the cover that a film or song has in it; raises as `picture` does."""
    return await _made(worker, source, "cover", {"most": MAX_ORIGINAL})


async def still(worker: Worker, data: bytes) -> bytes:
    """Return a picture, a JPEG or PNG; raises Unplayable for anything else."""
    if len(data) > MAX_ORIGINAL:
        raise Unplayable(Reason.TOO_BIG, "a picture")
    return await _made(worker, HeldBytes(data), "still", {}, [(0, data)])


async def _made(
    worker: Worker, source: ByteSource, method: str, params: Json, given: Sequence[tuple[int, bytes]] = ()
) -> bytes:
    answer = await worker.call(f"{method} {next(_numbers)}", source, method, SIZE | params, given)
    if not answer.payload.startswith(JPEG) or len(answer.payload) > MAX_BYTES:
        raise Unplayable(Reason.CRASHED, "the worker's picture is none")
    return answer.payload
