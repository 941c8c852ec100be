"""Tests of `custom_components.torrent_cast.cli`, without a process."""
