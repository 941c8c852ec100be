"""The engine by hand, for developers: `python -m custom_components.torrent_cast.engine --help`."""

import sys

from ..cli import main

if __name__ == "__main__":
    sys.exit(main())
