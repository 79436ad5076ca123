"""Runs after PlatformIO's build scripts: adds ``pio run -t emulate``."""

from __future__ import annotations

import shlex

from SCons.Script import DefaultEnvironment

env = DefaultEnvironment()
emulator = env.GetProjectOption("custom_emulator", "")
if emulator:
    command = " ".join(shlex.quote(word) for word in emulator.split())
    elf = "$BUILD_DIR/${PROGNAME}.elf"
    env.AddCustomTarget(
        name="emulate",
        dependencies=elf,
        actions=[f'"$PYTHONEXE" scripts/emulate.py "{elf}" {command}'],
        title="Emulate",
        description="Start the firmware in the board's emulator",
        always_build=True,
    )
