"""What a test may need beyond the package, how to find out, and what its absence means.

``require("cross")`` skips the calling test with a reason if the need is not met, or fails it if
``TFLM_GEN_REQUIRE`` (a comma list) names the need. Markers of the same names do so before the
test starts. Every skip made here has a reason that starts with ``needs <name>:``, so that the
skip gate in conftest.py can tell allowed ones from forgotten ones.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

TESTS_DIR = Path(__file__).resolve().parent.parent
ALLOWED_SKIPS_FILE = TESTS_DIR / "allowed_skips.txt"
_REASON = re.compile(r"needs ([a-z0-9_]+): ")


def _lacks_programs(*names: str) -> Callable[[], str | None]:
    def probe() -> str | None:
        missing = [name for name in names if shutil.which(name) is None]
        return f"not on PATH: {', '.join(missing)}" if missing else None

    return probe


def _lacks_package(name: str) -> Callable[[], str | None]:
    def probe() -> str | None:
        found = importlib.util.find_spec(name) is not None
        return None if found else f"Python package {name} is not installed"

    return probe


def _lacks_image(*, debug: bool) -> str | None:
    from tflm_gen.tflm.image import DEBUG_IMAGE, IMAGE, find_image

    pin = DEBUG_IMAGE if debug else IMAGE
    if find_image(pin) is not None:
        return None
    return f"run tflm-gen deps get {pin.dependency}"


def _lacks_platformio() -> str | None:
    if importlib.util.find_spec("platformio") is None and shutil.which("pio") is None:
        return "PlatformIO is neither a package of this Python nor on PATH"
    return None


def _lacks_hardware() -> str | None:
    benches = sorted((TESTS_DIR.parent / "duts").glob("*.toml"))
    return None if benches else "no bench is described in duts/*.toml"


def _lacks_network() -> str | None:
    allowed = os.environ.get("TFLM_GEN_TEST_NETWORK") == "1"
    return None if allowed else "set TFLM_GEN_TEST_NETWORK=1 to allow it"


def _lacks_mitdb() -> str | None:
    folder = os.environ.get("TFLM_GEN_MITDB_DIR", "")
    found = bool(folder) and (Path(folder) / "RECORDS").is_file()
    return None if found else "TFLM_GEN_MITDB_DIR names no folder with a RECORDS file"


NEEDS: dict[str, Callable[[], str | None]] = {
    "cross": _lacks_programs("arm-none-eabi-g++", "arm-none-eabi-objcopy", "cmake", "ninja"),
    "hostcc": _lacks_programs("g++", "cmake", "ninja"),
    "gdb": _lacks_programs("gdb-multiarch"),
    "qemu": _lacks_programs("qemu-system-arm"),
    "oracle": _lacks_package("tflite_micro"),
    "tensorflow": _lacks_package("tensorflow"),
    "vela": _lacks_package("ethosu"),
    "openocd": _lacks_programs("openocd"),
    "cppcheck": _lacks_programs("cppcheck"),
    "bakenn": _lacks_package("bakenn"),
    "esptool": _lacks_package("esptool"),
    "pyocd": _lacks_package("pyocd"),
    "platformio": _lacks_platformio,
    "renode": _lacks_programs("renode"),
    "robot": _lacks_package("robot"),
    "image": functools.partial(_lacks_image, debug=False),
    "debug_image": functools.partial(_lacks_image, debug=True),
    "hardware": _lacks_hardware,
    "network": _lacks_network,
    "mitdb": _lacks_mitdb,
}


def required_names(value: str | None = None) -> frozenset[str]:
    """Needs that must be met, from ``TFLM_GEN_REQUIRE`` or the value given.

    ``all`` stands for every need that ``allowed_skips.txt`` does not list.
    """
    text = os.environ.get("TFLM_GEN_REQUIRE", "") if value is None else value
    names = {name.strip() for name in text.split(",") if name.strip()}
    if "all" in names:
        names = names - {"all"} | (set(NEEDS) - allowed_skips())
    return frozenset(names)


def require(name: str) -> None:
    """Skip the test if a need is not met; fail it if ``TFLM_GEN_REQUIRE`` names that need."""
    reason = NEEDS[name]()
    if reason is None:
        return
    if name in required_names():
        pytest.fail(f"needs {name}: {reason} (TFLM_GEN_REQUIRE names it)", pytrace=False)
    pytest.skip(f"needs {name}: {reason}")


def allowed_skips(path: Path = ALLOWED_SKIPS_FILE) -> frozenset[str]:
    """Names in the list of skips that CI accepts."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and line[0] != "#")


def is_allowed_skip(reason: str, allowed: frozenset[str]) -> bool:
    """Whether a skip reason is of :func:`require` and names an allowed need."""
    match = _REASON.search(reason)
    return match is not None and match.group(1) in allowed
