"""Builder of the platform: programs, sizes, targets. Flags come from scripts/firmware.py."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from SCons.Script import (
    COMMAND_LINE_TARGETS,
    AlwaysBuild,
    Builder,
    Default,
    DefaultEnvironment,
)

if TYPE_CHECKING:
    from SCons.Environment import Base as Environment

env = DefaultEnvironment()
board = env.BoardConfig()
prefix = board.get("build.toolchain_prefix", "")

env.Replace(
    AR=f"{prefix}gcc-ar",
    AS=f"{prefix}gcc",
    CC=f"{prefix}gcc",
    CXX=f"{prefix}g++",
    OBJCOPY=f"{prefix}objcopy",
    RANLIB=f"{prefix}gcc-ranlib",
    SIZETOOL=f"{prefix}size",
    ARFLAGS=["rc"],
    PROGNAME="firmware",
    PROGSUFFIX=".elf",
    SIZEPROGREGEXP=r"^(?:\.vectors|\.text|\.rodata|\.init_array|\.ARM\.\S+|\.data|\.model)\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.data|\.bss|\.arena|\.stack|\.application_stack|\.handler_stack)\s+(\d+).*",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
)


def fail_if_ram_is_full(source: object, target: object, env: Environment) -> int:
    """PlatformIO warns of too much RAM and goes on; here it is an error."""
    limit = int(env.BoardConfig().get("upload.maximum_ram_size", 0))
    elf = env.subst("$BUILD_DIR/${PROGNAME}.elf")
    listing = subprocess.run(
        [env.subst("$SIZETOOL"), "-A", "-d", elf],
        env=dict(env["ENV"]),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pattern = re.compile(env["SIZEDATAREGEXP"])
    used = sum(int(found[1]) for line in listing.splitlines() if (found := pattern.match(line)))
    if limit and used > limit:
        sys.stderr.write(f"Error: the firmware takes {used} bytes of RAM; the board has {limit}\n")
        return 1
    return 0


def refuse_upload(source: object, target: object, env: Environment) -> int:
    """PlatformIO would print SUCCESS for an upload without a command."""
    sys.stderr.write("Error: this board cannot be flashed: platformio.ini has no upload_command\n")
    return 1


is_built = "nobuild" not in COMMAND_LINE_TARGETS
elf = env.BuildProgram() if is_built else env.File("$BUILD_DIR/${PROGNAME}.elf")
targets = [elf]
if prefix and not is_built:
    targets.append(env.File("$BUILD_DIR/firmware.hex"))
elif prefix:
    env.Append(
        BUILDERS={
            "ElfToHex": Builder(
                action=env.VerboseAction("$OBJCOPY -O ihex $SOURCES $TARGET", "Building $TARGET"),
                suffix=".hex",
            )
        }
    )
    targets.append(env.ElfToHex("$BUILD_DIR/firmware", elf))
if is_built:
    check = env.VerboseAction(fail_if_ram_is_full, "Checking RAM")
    env.AddPostAction("checkprogsize", check)
AlwaysBuild(env.Alias("nobuild", targets))
program = env.Alias("buildprog", targets)
AlwaysBuild(program)
AlwaysBuild(env.Alias("size", elf, env.VerboseAction("$SIZECHECKCMD", "Calculating size $SOURCE")))
if env.GetProjectOption("upload_command", ""):
    upload = env.VerboseAction("$UPLOADCMD", "Uploading $SOURCE")
else:
    upload = env.VerboseAction(refuse_upload, "Uploading")
env.AddPlatformTarget("upload", targets[-1], [upload], "Upload")
Default([program])
