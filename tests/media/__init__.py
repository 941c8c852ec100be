"""Tests of `custom_components.torrent_cast.media`."""
