"""Tests of the stream over real HTTP."""
