"""The engine without a running Home Assistant, for developers: a torrent goes in, a film on loopback comes out."""

from .command import main

__all__ = ["main"]
