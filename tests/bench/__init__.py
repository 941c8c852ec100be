"""Benchmarks on the rig: what is measured, how, and against which limit."""
