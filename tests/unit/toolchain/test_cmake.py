from __future__ import annotations

from pathlib import Path

import pytest

from tflm_gen.errors import BuildFailedError, MissingToolError
from tflm_gen.toolchain import cmake

LOG = """[1/3] Building CXX object CMakeFiles/firmware.dir/a.cc.obj
FAILED: CMakeFiles/firmware.dir/a.cc.obj
/usr/bin/arm-none-eabi-g++ -DERROR=1 -Werror -c a.cc
a.cc:3:5: error: 'x' was not declared in this scope
    3 |     x = 1;
ninja: build stopped: subcommand failed.
"""
LINK_LOG = """[2/3] Linking CXX executable firmware.elf
FAILED: firmware.elf
: && /usr/bin/arm-none-eabi-g++ -Wl,--fatal-warnings a.obj -o firmware.elf && :
ld: region `ARENA' overflowed by 32 bytes
collect2: error: ld returned 1 exit status
"""


def test_arguments_are_exact() -> None:
    root = Path("/p")
    definitions = {"TFLM_DIR": "/t", "ECG_TWIN": "ON"}
    assert cmake.configure_command(root, "tflm-twin", definitions) == (
        *("cmake", "-S", "/p", "-B", "/p/out/tflm-twin/build", "-G", "Ninja"),
        *("-DTFLM_DIR=/t", "-DECG_TWIN=ON"),
    )
    assert cmake.build_command(root, "tflm") == (
        *("cmake", "--build", "/p/out/tflm/build", "--parallel", "2"),
    )


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (LOG, "a.cc:3:5: error: 'x' was not declared in this scope"),
        (
            LINK_LOG,
            "ld: region `ARENA' overflowed by 32 bytes | "
            "collect2: error: ld returned 1 exit status",
        ),
        ("a\nb\nc\nd\n", "b | c | d"),
        ("", "no message"),
    ],
)
def test_the_telling_lines_of_a_log_are_found(log: str, words: str) -> None:
    assert cmake.explain(log) == words


@pytest.mark.cross
def test_a_broken_project_is_a_build_error(tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        'cmake_minimum_required(VERSION 3.20)\nproject(x NONE)\nmessage(FATAL_ERROR "no moon")\n'
    )
    with pytest.raises(BuildFailedError, match="cannot configure the build"):
        cmake.configure(tmp_path, "tflm", {"TFLM_IMAGE": "/nowhere"})


@pytest.mark.cross
def test_versions_are_read() -> None:
    found = cmake.find_toolchain(is_host=False)
    assert "arm-none-eabi-g++" in found.compiler
    assert found.cmake.startswith("cmake version")


def test_missing_tools_are_named_with_the_install_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="ninja") as caught:
        cmake.find_toolchain(is_host=False)
    assert "apt install" in caught.value.hint
