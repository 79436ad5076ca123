"""What the verbs use that does not come with this tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tflm_gen.tflm.image import IMAGE
from tflm_gen.tflm.source_facts import SOURCES, WHEEL_VERSION

Kind = Literal["program", "package", "library", "part"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Something a verb needs that does not come with this tool.

    Attributes:
        name: Program on PATH, Python package, or part.
        kind: How it is looked for.
        purpose: What it is for.
        verbs: Who uses it.
        is_required: The main job needs it: build and prove firmware for corstone300.
        package: What installs it: a Debian package, or a pip requirement.
        installer: Program that installs the package; "web" for a place to get it from.
        programs: Its programs, where it may be on PATH without being a package of this Python, or
            where they have another name.
        asks_version: It is run for its version; False for programs that would wait for something.
    """

    name: str
    kind: Kind
    purpose: str
    verbs: tuple[str, ...]
    is_required: bool
    package: str
    installer: Literal["apt", "pip", "tflm-gen", "web"] = "apt"
    programs: tuple[str, ...] = ()
    asks_version: bool = True


ARM_LIBRARY = "libstdc++_nano.a"
TOOLS = (
    Tool(
        name="cmake",
        kind="program",
        purpose="configures firmware builds",
        verbs=("build",),
        is_required=True,
        package="cmake",
    ),
    Tool(
        name="ninja",
        kind="program",
        purpose="runs firmware builds",
        verbs=("build",),
        is_required=True,
        package="ninja-build",
    ),
    Tool(
        name="arm-none-eabi-g++",
        kind="program",
        purpose="compiles for Cortex-M",
        verbs=("build",),
        is_required=True,
        package="gcc-arm-none-eabi libnewlib-arm-none-eabi",
    ),
    Tool(
        name=ARM_LIBRARY,
        kind="library",
        purpose="C++ library for Cortex-M",
        verbs=("build",),
        is_required=True,
        package="libstdc++-arm-none-eabi-newlib",
    ),
    Tool(
        name="qemu-system-arm",
        kind="program",
        purpose="emulates corstone300",
        verbs=("build", "emulate", "verify", "bench"),
        is_required=True,
        package="qemu-system-arm",
    ),
    Tool(
        name="tflite-micro",
        kind="package",
        purpose="the oracle of output bytes",
        verbs=("build", "verify"),
        is_required=True,
        package=f"tflite-micro=={WHEEL_VERSION}",
        installer="pip",
    ),
    Tool(
        name=IMAGE.dependency,
        kind="part",
        purpose="TFLM with CMSIS-NN for corstone300",
        verbs=("build",),
        is_required=True,
        package=SOURCES["corstone300_image"].how_to_get,
        installer="tflm-gen",
    ),
    Tool(
        name="pip",
        kind="package",
        purpose="fetches the image",
        verbs=("deps",),
        is_required=False,
        package="python3-pip python3-venv",
    ),
    Tool(
        name="g++",
        kind="program",
        purpose="compiles for --board host",
        verbs=("build",),
        is_required=False,
        package="g++",
    ),
    Tool(
        name="gdb-multiarch",
        kind="program",
        purpose="checks our declarations of the image (tests)",
        verbs=(),
        is_required=False,
        package="gdb-multiarch",
    ),
    Tool(
        name="renode",
        kind="program",
        purpose="emulates boards that QEMU does not have",
        verbs=("emulate", "verify", "bench"),
        is_required=False,
        package="renode.io",
        installer="web",
    ),
    Tool(
        name="tensorflow",
        kind="package",
        purpose="quantizes models",
        verbs=("quantize",),
        is_required=False,
        package="tflm-gen[quantize]",
        installer="pip",
    ),
    Tool(
        name="ai-edge-litert",
        kind="package",
        purpose="TFLite's reference kernels, where the wheel has no answer; TensorFlow has them too",
        verbs=("build", "verify"),
        is_required=False,
        package="ai-edge-litert",
        installer="pip",
    ),
    Tool(
        name="ethos-u-vela",
        kind="package",
        purpose="compiles models for the Ethos-U",
        verbs=("build",),
        is_required=False,
        package="tflm-gen[ethos-u]",
        installer="pip",
        programs=("vela",),
    ),
    Tool(
        name="platformio",
        kind="package",
        purpose="builds projects of kind platformio",
        verbs=("build", "flash"),
        is_required=False,
        package="tflm-gen[platformio]",
        installer="pip",
        programs=("pio", "platformio"),
    ),
    Tool(
        name="scons",
        kind="package",
        purpose="what PlatformIO builds with, where its registry is not used",
        verbs=("build",),
        is_required=False,
        package="tflm-gen[platformio]",
        installer="pip",
    ),
    Tool(
        name="cppcheck",
        kind="program",
        purpose="analyses the firmware's sources for pio check",
        verbs=(),
        is_required=False,
        package="cppcheck",
    ),
    Tool(
        name="pyocd",
        kind="package",
        purpose="writes firmware through CMSIS-DAP, ST-Link and J-Link probes",
        verbs=("flash",),
        is_required=False,
        package="tflm-gen[flash]",
        installer="pip",
        programs=("pyocd",),
    ),
    Tool(
        name="esptool",
        kind="package",
        purpose="writes firmware into ESP32 chips",
        verbs=("flash",),
        is_required=False,
        package="tflm-gen[flash]",
        installer="pip",
        programs=("esptool", "esptool.py"),
    ),
    Tool(
        name="openocd",
        kind="program",
        purpose="writes firmware through most debug probes",
        verbs=("flash",),
        is_required=False,
        package="openocd",
    ),
    Tool(
        name="nrfjprog",
        kind="program",
        purpose="writes firmware into Nordic's kits",
        verbs=("flash",),
        is_required=False,
        package="nRF Command Line Tools, from Nordic Semiconductor's web site",
        installer="web",
    ),
    Tool(
        name="J-Link",
        kind="program",
        purpose="writes firmware through J-Link probes",
        verbs=("flash",),
        is_required=False,
        package="J-Link Software Pack, from SEGGER's web site",
        installer="web",
        programs=("JLinkExe", "JLink"),
        asks_version=False,
    ),
    Tool(
        name="idf.py",
        kind="program",
        purpose="ESP-IDF: builds projects of kind esp-idf",
        verbs=(),
        is_required=False,
        package="ESP-IDF, from Espressif's web site; then: . ./export.sh",
        installer="web",
    ),
)
