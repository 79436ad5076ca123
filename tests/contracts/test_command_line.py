"""What every verb promises: help, nearest names, exit codes, one error line for bad input."""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from pathlib import Path

import pytest

from tests.support.command_line import Result, assert_refused, run_python, run_tool
from tests.support.source_rules import NOT_FOR_HELP
from tflm_gen.cli import VERBS

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "ecg" / "ecg.tflite"
GROUPS = {"boards": ("list", "show", "fit", "new"), "deps": ("list", "get")}
PROJECT_VERBS = ("emulate", "bench", "verify")


def help_commands() -> list[tuple[str, ...]]:
    commands: list[tuple[str, ...]] = [(verb,) for verb in VERBS]
    commands += [(group, name) for group, names in GROUPS.items() for name in names]
    return commands


@pytest.mark.parametrize("command", help_commands(), ids=" ".join)
def test_help_of_every_verb(command: tuple[str, ...]) -> None:
    result = run_tool(*command, "--help")
    assert result.exit_code == 0, result.stderr
    assert f"tflm-gen {' '.join(command)}" in result.stdout
    assert result.stderr == ""
    if command[0] not in GROUPS or len(command) == 2:
        assert "--json" in result.stdout


def test_port_is_a_serial_port_for_every_verb_that_has_it() -> None:
    words = {verb: " ".join(run_tool(verb, "--help").stdout.split()) for verb in VERBS}
    found = {verb: text.partition(" --port ")[2] for verb, text in words.items()}
    ports = {verb: text.partition(" --")[0].lower() for verb, text in found.items() if text}
    assert set(ports) == {"emulate", "bench", "verify", "replay", "flash"}
    for verb, text in ports.items():
        assert "serial port" in text, verb
        assert "drive" not in text, verb


def test_help_lists_every_verb() -> None:
    result = run_tool("--help")
    assert result.exit_code == 0
    for verb in VERBS:
        assert re.search(rf"^  {verb} ", result.stdout, re.MULTILINE), verb


def modules_loaded_by_help(*, before: str = "") -> set[str]:
    program = (
        f"import sys\n{before}\nfrom tflm_gen.cli import run\n"
        "assert run(['--help']) == 0\n"
        "print('modules:', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    result = run_python("-c", program)
    assert result.exit_code == 0, result.stderr
    last = result.stdout.splitlines()[-1]
    assert last.startswith("modules: ")
    return set(last.split()[1:])


def test_help_imports_nothing_heavy() -> None:
    assert modules_loaded_by_help() & NOT_FOR_HELP == set()


def test_help_check_sees_a_heavy_import() -> None:
    assert modules_loaded_by_help(before="import jinja2") & NOT_FOR_HELP == {"jinja2"}


def test_version_is_that_of_the_package() -> None:
    import tflm_gen

    assert tflm_gen.__version__ in run_tool("--version").stdout


@pytest.mark.parametrize(("typed", "meant"), [("buidl", "build"), ("inspekt", "inspect")])
def test_unknown_verb_names_the_nearest(typed: str, meant: str) -> None:
    result = run_tool(typed)
    assert_refused(result, code="TG504")
    assert f"Did you mean {meant}?" in result.stderr


def test_unknown_option_is_one_error_line() -> None:
    assert_refused(run_tool("inspect", str(EXAMPLE), "--no-such-option"), code="TG504")


def test_missing_argument_is_one_error_line() -> None:
    assert_refused(run_tool("inspect"), code="TG504")


def test_json_has_a_document_for_wrong_usage_too() -> None:
    result = run_tool("inspect", "--json", "--no-such-option")
    assert_refused(result, code="TG504", is_json=True)


@pytest.mark.parametrize("group", [(), ("boards",), ("deps",)], ids=str)
def test_no_arguments_show_the_help(group: tuple[str, ...]) -> None:
    result = run_tool(*group)
    assert result.stderr.startswith("Usage: tflm-gen")
    assert "error[" not in result.stderr
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("options", [(), ("--json",)], ids=str)
def test_full_standard_output_is_one_error_line(options: tuple[str, ...]) -> None:
    program = (
        "import os, sys\nos.dup2(os.open('/dev/full', os.O_WRONLY), 1)\n"
        f"from tflm_gen.cli import main\nmain(['inspect', {str(EXAMPLE)!r}, *{options!r}])\n"
    )
    assert_refused(run_python("-c", program), code="TG501")


def missing(folder: Path) -> Path:
    return folder / "missing.tflite"


def directory(folder: Path) -> Path:
    path = folder / "directory.tflite"
    path.mkdir()
    return path


def empty(folder: Path) -> Path:
    path = folder / "empty.tflite"
    path.write_bytes(b"")
    return path


def truncated(folder: Path) -> Path:
    path = folder / "truncated.tflite"
    data = EXAMPLE.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def random_bytes(folder: Path) -> Path:
    path = folder / "random.tflite"
    path.write_bytes(random.Random(7).randbytes(20_000))
    return path


def keras_renamed(folder: Path) -> Path:
    """The archive layout of Keras 3: a zip with two JSON files and the weights."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        file.writestr("config.json", json.dumps({"module": "keras", "class_name": "Functional"}))
        file.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(64))
    path = folder / "keras.tflite"
    path.write_bytes(archive.getvalue())
    return path


def hdf5_renamed(folder: Path) -> Path:
    path = folder / "hdf5.tflite"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(2048))
    return path


BAD_MODELS = {
    missing: "TG101",
    directory: "TG101",
    empty: "TG101",
    truncated: "TG103",
    random_bytes: "TG102",
    keras_renamed: "TG102",
    hdf5_renamed: "TG102",
}
MODEL_COMMANDS = {
    "inspect": ("inspect",),
    "inspect-json": ("inspect", "--json"),
    "build": ("build", "--board", "corstone300"),
    "compare": ("compare", "--board", "corstone300"),
}


@pytest.mark.parametrize("command", MODEL_COMMANDS)
@pytest.mark.parametrize("make", BAD_MODELS, ids=lambda make: make.__name__)
def test_bad_model_is_one_error_line(tmp_path: Path, command: str, make) -> None:
    verb, *options = MODEL_COMMANDS[command]
    result = run_tool(verb, str(make(tmp_path)), *options, cwd=tmp_path)
    assert_refused(result, code=BAD_MODELS[make], is_json="--json" in options)
    assert make.__name__.split("_")[0] in result.stderr, "the file is not named"


def test_keras_file_is_called_by_its_name(tmp_path: Path) -> None:
    assert "Keras" in run_tool("inspect", str(keras_renamed(tmp_path))).stderr


def test_unknown_board_names_the_nearest(tmp_path: Path) -> None:
    result = run_tool("build", str(EXAMPLE), "--board", "corstone30", cwd=tmp_path)
    assert_refused(result, code="TG201")
    assert "corstone300" in result.stderr


@pytest.mark.parametrize("verb", PROJECT_VERBS)
def test_bad_project_is_one_error_line(tmp_path: Path, verb: str) -> None:
    (tmp_path / "file").write_text("no project")
    (tmp_path / "empty").mkdir()
    for name in ("missing", "file", "empty"):
        assert_refused(run_tool(verb, name, cwd=tmp_path), code="TG502")


def test_debug_shows_the_traceback() -> None:
    result = run_tool("--debug", "inspect", "no-such-file.tflite")
    assert "Traceback" in result.stderr
    assert "ModelFileError" in result.stderr
    assert result.exit_code == 1


def good(**changes) -> Result:
    fields = {"exit_code": 2, "stdout": "", "stderr": "error[TG101]: no such file a\nhint: look\n"}
    return Result(**{**fields, **changes})


def test_refusal_check_accepts_what_is_right() -> None:
    assert_refused(good(), code="TG101")


@pytest.mark.parametrize(
    "changes",
    [
        {"exit_code": 1},
        {"stdout": "half a table"},
        {"stderr": "error[TG101]: no such file a\n"},
        {"stderr": "Traceback (most recent call last):\nValueError\n"},
        {"stderr": "error[TG102]: no such file a\nhint: look\n"},
        {"stderr": "error[TG101]: no such file a\nhint: look\nmore\n"},
    ],
)
def test_refusal_check_bites(changes: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        assert_refused(good(**changes), code="TG101")
