"""Tests of the service actions."""
