"""Runs before PlatformIO's build: adds the firmware's sources as the project's CMake files name them.

CMake is configured in .pio/build/<environment>/cmake and asked what it would compile (its file
API); SCons compiles that. So there is one list of sources and flags, whichever tool builds.

The TFLM that is linked is named by an environment variable, as for CMake: TFLM_IMAGE, TFLM_DIR or
TFLM_WHEEL_SO; or by custom_tflm in platformio.ini, as NAME=path.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SCons.Script import COMMAND_LINE_TARGETS, DefaultEnvironment

if TYPE_CHECKING:
    from SCons.Environment import Base as Environment

TFLM_VARIABLES = ("TFLM_IMAGE", "TFLM_DIR", "TFLM_WHEEL_SO")
# The registry's platforms link with these already; given twice, the first stops GCC, and their
# stub of a C library makes the second an error.
PLATFORM_HAS = {"--specs=nano.specs", "-Wl,--fatal-warnings"}

env = DefaultEnvironment()
project = Path(env.subst("$PROJECT_DIR")).resolve()
build = Path(env.subst("$BUILD_DIR")).resolve() / "cmake"
reply = build / ".cmake" / "api" / "v1" / "reply"


def fail(message: str) -> None:
    """End the build with one line."""
    sys.stderr.write(f"Error: {message}\n")
    env.Exit(1)


def definitions() -> list[str]:
    """CMake cache variables of this environment."""
    found = shlex.split(env.GetProjectOption("custom_cmake", ""))
    named = env.GetProjectOption("custom_tflm", "")
    found += [os.path.expandvars(named)] if named else []
    found += [f"{name}={os.environ[name]}" for name in TFLM_VARIABLES if os.environ.get(name)]
    return [f"-D{definition}" for definition in found]


def configure() -> None:
    """Configure CMake and have it write its reply."""
    cmake = shutil.which("cmake", path=env["ENV"].get("PATH"))
    maker = next((name for name in ("ninja", "make") if shutil.which(name)), None)
    if cmake is None or maker is None:
        fail("cmake and ninja (or make) are not on PATH (pip install cmake ninja, or apt install)")
        return
    query = build / ".cmake" / "api" / "v1" / "query" / "codemodel-v2"
    query.parent.mkdir(parents=True, exist_ok=True)
    query.touch()
    shutil.rmtree(reply, ignore_errors=True)
    generator = "Ninja" if maker == "ninja" else "Unix Makefiles"
    result = subprocess.run(
        [cmake, "-S", str(project), "-B", str(build), "-G", generator, *definitions()],
        env=dict(env["ENV"]),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        fail("CMake says: " + " ".join(line.strip() for line in lines[:6]))


def targets() -> dict[str, dict[str, Any]]:
    """CMake's targets by name."""
    index = json.loads(next(reply.glob("index-*.json")).read_text(encoding="utf-8"))
    model = json.loads((reply / index["reply"]["codemodel-v2"]["jsonFile"]).read_text("utf-8"))
    (configuration,) = model["configurations"]
    return {
        target["name"]: json.loads((reply / target["jsonFile"]).read_text("utf-8"))
        for target in configuration["targets"]
    }


def group_environment(group: dict[str, Any]) -> Environment:
    """An environment with the flags of one group of sources and no others."""
    fragments = group.get("compileCommandFragments", ())
    flags = [flag for part in fragments for flag in shlex.split(part["fragment"])]
    flags += [f"-D{define['define']}" for define in group.get("defines", ())]
    for include in group.get("includes", ()):
        flags += ["-isystem" if include.get("isSystem") else "-I", include["path"]]
    prefix = env.BoardConfig().get("build.toolchain_prefix", "arm-none-eabi-")
    cloned = env.Clone()
    cloned.Replace(
        CC=f"{prefix}gcc",
        CXX=f"{prefix}g++",
        AS=f"{prefix}gcc",
        AR=f"{prefix}gcc-ar",
        RANLIB=f"{prefix}gcc-ranlib",
        CCFLAGS=[flag.replace("$", "$$") for flag in flags],
        ASPPFLAGS=[flag.replace("$", "$$") for flag in flags],
        CFLAGS=[],
        CXXFLAGS=[],
        CPPDEFINES=[],
        CPPPATH=[],
    )
    return cloned


def objects(name: str, target: dict[str, Any]) -> list[Any]:
    """Object files of a CMake target."""
    environments = [group_environment(group) for group in target.get("compileGroups", ())]
    found = []
    for number, source in enumerate(target["sources"]):
        if "compileGroupIndex" not in source:
            continue
        path = (project / source["path"]).resolve()
        inside = path.is_relative_to(project) and not path.is_relative_to(build)
        place = path.relative_to(project) if inside else Path(f"{number}_{path.name}")
        node = environments[source["compileGroupIndex"]].Object(
            f"$BUILD_DIR/{name}/{place}.o", str(path)
        )
        # Bytes of a prebuilt image are included by assembler text, which no scanner reads.
        env.Depends(node, [str(data) for data in sorted((build / "image").glob("*.bin"))])
        found += node
    return found


def add_link_flags(target: dict[str, Any], libraries: dict[str, Any]) -> None:
    """Flags and libraries of the link, those that CMake itself would build as nodes of ours."""
    is_from_registry = not env.BoardConfig().get("build.is_own_platform", "")
    flags: list[str] = []
    for part in target["link"].get("commandFragments", ()):
        for flag in shlex.split(part["fragment"]):
            name = Path(flag).name
            if name in libraries:
                env.Append(PIOBUILDFILES=libraries[name])
            elif flag.startswith("-l:"):
                env.Append(_LIBFLAGS=f" {flag}")
            elif flag.startswith("-l"):
                env.Append(LIBS=[flag[2:]])
            elif not (is_from_registry and flag in PLATFORM_HAS):
                flags.append(flag.replace("$", "$$"))
    # For what PlatformIO itself compiles (tests): its platforms are soft-float by default.
    machine = [flag for flag in flags if flag.startswith("-m")]
    env.Append(LINKFLAGS=flags, CCFLAGS=machine, ASFLAGS=machine, ASPPFLAGS=machine)
    if not any(flag.startswith("-mcpu") for flag in machine):
        # TFLM for this machine is a library beside the program; CMake's reply leaves this out.
        env.Append(LINKFLAGS=["-Wl,-rpath,\\$$ORIGIN"])


def describe(target: dict[str, Any]) -> None:
    """Tell `pio check` and editors what the firmware is compiled with; our objects do not use it."""
    for group in target.get("compileGroups", ()):
        fragments = group.get("compileCommandFragments", ())
        flags = [flag for part in fragments for flag in shlex.split(part["fragment"])]
        standard = [flag for flag in flags if flag.startswith("-std=")]
        env.AppendUnique(
            CPPPATH=[include["path"] for include in group.get("includes", ())],
            CPPDEFINES=[define["define"] for define in group.get("defines", ())],
            **{"CFLAGS" if group["language"] == "C" else "CXXFLAGS": standard},
        )


def main() -> None:
    """Configure, then hand everything to SCons."""
    configure()
    known = targets()
    libraries = {}
    for name, target in known.items():
        if target["type"] == "STATIC_LIBRARY":
            group = env.Clone(AR="arm-none-eabi-gcc-ar", RANLIB="arm-none-eabi-gcc-ranlib")
            library = group.StaticLibrary(f"$BUILD_DIR/lib{name}", objects(name, target))
            libraries[target["nameOnDisk"]] = library
    env.Append(PIOBUILDFILES=objects("firmware", known["firmware"]))
    add_link_flags(known["firmware"], libraries)
    describe(known["firmware"])


if "nobuild" not in COMMAND_LINE_TARGETS:
    main()
