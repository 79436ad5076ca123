"""The wheel carries its data, and the installed package works outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = "tflm_gen/_data/"


def run(*argv: str | Path, cwd: Path) -> str:
    process = subprocess.run(
        [str(a) for a in argv],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT, cwd=folder)
    (path,) = folder.glob("tflm_gen-*.whl")
    return path


def expected_data() -> set[str]:
    """Files that must be in the wheel because they are in the checkout."""
    found = set()
    for tree in ("boards", "firmware_templates", "examples/ecg", "renode"):
        for path in (ROOT / tree).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                found.add(DATA + path.relative_to(ROOT).as_posix())
    return found


def unwanted(names: list[str]) -> list[str]:
    """Entries that are neither the package, nor its data, nor metadata; and leftovers."""
    return [
        name
        for name in names
        if (not name.startswith("tflm_gen/") and ".dist-info/" not in name)
        or "__pycache__" in name
        or name.endswith((".pyc", ".axf", ".elf", ".o"))
    ]


@pytest.mark.slow
def test_wheel_contents(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert expected_data() - set(names) == set()
    for name in ("boards/corstone300.toml", "examples/ecg/ecg.tflite"):
        assert DATA + name in names
    assert any(name.startswith(DATA + "firmware_templates/common/include/") for name in names)
    assert "tflm_gen/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/THIRD_PARTY.md") for name in names)
    assert unwanted(names) == []
    assert wheel.stat().st_size < 1_000_000


def test_unwanted_entries_are_seen() -> None:
    good = ["tflm_gen/__init__.py", "tflm_gen-0.1.0.dist-info/METADATA"]
    bad = ["tests/test_a.py", "tflm_gen/__pycache__/a.pyc", "tflm_gen/_data/u65.axf"]
    assert unwanted(good) == []
    assert unwanted(good + bad) == bad


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_installed_package_generates_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment, cwd=tmp_path)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", wheel, cwd=tmp_path)
    tool = environment / "bin" / "tflm-gen"

    where = run(python, "-c", "import tflm_gen; print(tflm_gen.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(environment)
    project = tmp_path / "project"
    arguments = ("--example", "ecg", "--board", "corstone300", "--no-build", "--out", project)
    run(tool, "build", *arguments, cwd=tmp_path)

    manifest = json.loads((project / "manifest.json").read_text())
    assert manifest["board"]["id"] == "corstone300"
    assert (project / "CMakeLists.txt").is_file()
    # The clean-up, where there is an oracle, keeps the user's file under another name.
    original = project / "model" / "original.tflite"
    model = (original if original.exists() else project / "model" / "model.tflite").read_bytes()
    assert model == (ROOT / "examples" / "ecg" / "ecg.tflite").read_bytes()
    inspected = json.loads(
        run(tool, "inspect", project / "model/model.tflite", "--json", cwd=tmp_path)
    )
    assert inspected["schema"] == "tflm-gen/inspect/1"
