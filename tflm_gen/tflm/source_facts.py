"""What is known of the TFLM sources without having them: names, kernels, versions, pins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tflm_gen.board_spec import TflmSourceId

IMAGE_SHA256 = "dd4ea227343fb3efe15ae1e99bb4e0a5207a22a550cd4072771fb40ed955cd11"
WHEEL_VERSION = "0.dev20261023182759"
UPSTREAM_COMMIT = "8f6596d"
NPU_KERNELS, NPU_OPERATOR = "ethos-u", "CUSTOM:ethos-u"
ARM_PACKAGES = "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """What is known of a TFLM source without having it.

    Attributes:
        id: Also the name of its operator table and of its folder in ``tflm_api/``.
        runtime_id: Short name of this TFLM, for manifests and the boot banner.
        kernels: Kernel libraries it can be linked with, the default first.
        cmake_variable: Cache variable that tells CMake where it is.
        packages: Debian packages that a build needs besides CMake and Ninja.
        how_to_get: What a user does to have it.
        is_fetched_by_build: The project's own build fetches it; it is never on this machine.
    """

    id: TflmSourceId
    runtime_id: str
    kernels: tuple[str, ...]
    cmake_variable: str
    packages: str
    how_to_get: str
    is_fetched_by_build: bool = False


SOURCES: Mapping[TflmSourceId, SourceFacts] = {
    "corstone300_image": SourceFacts(
        id="corstone300_image",
        runtime_id=f"tflm-mlek-26.03+sha256.{IMAGE_SHA256[:12]}",
        kernels=("cmsis-nn", NPU_KERNELS),
        cmake_variable="TFLM_IMAGE",
        packages=ARM_PACKAGES,
        how_to_get="tflm-gen deps get corstone300-image",
    ),
    "wheel": SourceFacts(
        id="wheel",
        runtime_id=f"tflite-micro-{WHEEL_VERSION}-g{UPSTREAM_COMMIT}",
        kernels=("reference",),
        cmake_variable="TFLM_WHEEL_SO",
        packages="g++ binutils",
        how_to_get=f"pip install tflite-micro=={WHEEL_VERSION}",
    ),
    "esp_tflite_micro": SourceFacts(
        id="esp_tflite_micro",
        runtime_id="esp-tflite-micro-1.3.7+esp-nn-1.2.6",
        kernels=("esp-nn", "reference"),
        cmake_variable="",
        packages="",
        how_to_get="idf.py build, in the project; it fetches the component",
        is_fetched_by_build=True,
    ),
    "upstream": SourceFacts(
        id="upstream",
        runtime_id=f"tflm-g{UPSTREAM_COMMIT}",
        kernels=("cmsis-nn", "reference"),
        cmake_variable="TFLM_DIR",
        packages=ARM_PACKAGES,
        how_to_get="tflm-gen deps get tflm",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasoned:
    """One choice and its reason, for the manifest and the summary."""

    what: str
    choice: str
    reason: str
