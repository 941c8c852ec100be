"""Starts the worker program; its arguments are the module path."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    # Behind the standard library, so that nothing there can stand in for a module of it.
    sys.path.extend([*sys.argv[1:], str(Path(__file__).parents[1])])
    importlib.import_module("inside.serving").main()
