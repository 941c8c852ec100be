"""Tests of the engine, against real libtorrent peers."""
