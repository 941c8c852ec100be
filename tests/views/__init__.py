"""The stream over real HTTP."""
