"""Starts the SCons that is installed in this Python."""

import sys

from SCons.Script.Main import main

sys.exit(main())
