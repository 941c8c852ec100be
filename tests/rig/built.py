"""What is built of parts, one after the other."""

from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from typing import Self


class Built(ABC):
    """Parts that are entered into a stack: all of them are left again, also where one of them cannot be entered."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Build it."""
        try:
            await self._build()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take it down."""
        await self._stack.aclose()

    @abstractmethod
    async def _build(self) -> None:
        """Enter the parts."""
