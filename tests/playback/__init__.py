"""Tests of play sessions."""
