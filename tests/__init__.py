"""Tests of Torrent Cast; they mirror the tree of the integration."""
