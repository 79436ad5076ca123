"""Reads test results from what scripts/emulate.py prints; needs no library of a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platformio.test.runners.unity import UnityTestRunner

if TYPE_CHECKING:
    from SCons.Environment import Base as Environment


class CustomTestRunner(UnityTestRunner):
    """Unity's result lines without Unity."""

    EXTRA_LIB_DEPS = None

    def configure_build_env(self, env: Environment) -> Environment:
        """Nothing to add: the firmware tests itself when it starts."""
        return env
