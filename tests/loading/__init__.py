"""Tests of what a Cast device is told; how that looks on a receiver is in tests/e2e."""
