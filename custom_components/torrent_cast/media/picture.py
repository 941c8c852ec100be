"""A picture out of a film: one key frame, as a small JPEG."""

from itertools import count
from typing import TYPE_CHECKING, Final

from .errors import Reason, Unplayable

if TYPE_CHECKING:
    from .worker import ByteSource, Worker

WIDTH: Final = 480
"""Pixels: twice a card of the media browser on a telephone."""

MAX_BYTES: Final = 1 << 20
"""Of a JPEG so wide: an honest one has some 50 KB."""

JPEG: Final = b"\xff\xd8\xff"

_numbers = count(1)


async def picture(worker: Worker, source: ByteSource, seconds: float) -> bytes:
    """Return the key frame at or before `seconds`, as a JPEG; raises Unplayable, and what `source` raises."""
    answer = await worker.call(f"picture {next(_numbers)}", source, "picture", {"seconds": seconds, "width": WIDTH})
    if not answer.payload.startswith(JPEG) or len(answer.payload) > MAX_BYTES:
        raise Unplayable(Reason.CRASHED, "the worker's picture is none")
    return answer.payload
