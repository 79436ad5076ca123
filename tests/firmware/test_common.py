"""Runs the C++ unit tests of firmware_templates/common on this machine, under sanitizers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.programs import check, run

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.hostcc

HOST = Path(__file__).parent / "host"
NAMES = [
    name
    for path in sorted(HOST.glob("*_test.cc"))
    for name in re.findall(r"^ECG_TEST\((\w+)\)", path.read_text(), re.M)
]


@pytest.fixture(scope="session")
def common_tests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that holds all tests."""
    build = tmp_path_factory.mktemp("common_tests")
    check("cmake", "-S", HOST, "-B", build, "-G", "Ninja")
    check("cmake", "--build", build, "--parallel", "2")
    return build / "common_tests"


def test_names_are_unique() -> None:
    assert len(NAMES) > 50
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_common(common_tests: Path, name: str) -> None:
    result = run(common_tests, name)
    assert result.returncode == 0, result.stderr


def _replace(first: str, second: str) -> Callable[[str], str]:
    return lambda text: text.replace(first, second, 1)


@pytest.mark.parametrize(
    ("source", "change", "test", "says"),
    [
        ("crc32.cc", _replace("0x1DB71064U", "0x1DB71065U"), "CrcOfTheCheckString", "is <"),
        (
            "command_reader.cc",
            _replace("length_ + 1 >= kMaxLine", "length_ >= 2 * kMaxLine"),
            "TooLongALineIsOneBadLine",
            "runtime error: index 1024 out of bounds",
        ),
        (
            "wire.cc",
            _replace("used > string_limit_", "used > 9999"),
            "LongStringsAreCutToTheLine",
            "line.size() < 1024",
        ),
    ],
)
def test_a_defect_is_noticed(
    common_tests: Path,
    tmp_path: Path,
    source: str,
    change: Callable[[str], str],
    test: str,
    says: str,
) -> None:
    """Links the tests with one source broken on purpose."""
    common = HOST.parents[2] / "firmware_templates" / "common"
    text = (common / "src" / source).read_text()
    changed = change(text)
    assert changed != text
    (tmp_path / source).write_text(changed)
    objects = sorted(common_tests.parent.rglob("*.o"))
    others = [path for path in objects if path.name != f"{source}.o"]
    assert len(others) == len(objects) - 1
    program = tmp_path / "broken"
    check(
        *("g++", "-std=c++17", "-g", "-O1", "-fsanitize=address,undefined"),
        *("-fno-sanitize-recover=all", f"-I{common / 'include'}", f"-I{HOST / 'generated'}"),
        *(tmp_path / source, *others, "-o", program),
    )
    result = run(program, test)
    assert result.returncode != 0
    assert says in result.stderr
