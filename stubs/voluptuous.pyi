# Home Assistant installs probatio under this name.
from probatio import *
from probatio import Schema as Schema
