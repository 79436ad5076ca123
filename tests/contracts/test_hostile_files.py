"""Files that mean harm: one line, exit code 2, bounded memory and time, and nothing left behind."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from tests.support.command_line import Result, assert_refused, run_python
from tests.support.graph_builder import FB, pack, unpack
from tests.support.hostile_files import EVERY, FORMATS, NODES
from tests.support.hostile_run import MEMORY_BYTES
from tests.support.small_model import SMALL
from tests.support.zoo import ZOO

PROGRAM = (
    "import resource, sys\n"
    f"resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_BYTES}, {MEMORY_BYTES}))\n"
    "from tflm_gen.cli import main\n"
    "main(sys.argv[1:])\n"
)
# Above what Python takes with all modules of a verb: once the largest file, and not twice.
PEAK_BYTES = 500 << 20


def run_limited(*arguments: str, cwd: Path) -> Result:
    """Run the tool in so much address space."""
    return run_python("-c", PROGRAM, *arguments, cwd=cwd, timeout_s=60)


# Every verb that takes a model; those that take a project are below.
VERBS = {
    "inspect": ("inspect", "{}"),
    "inspect --arena": ("inspect", "{}", "--arena"),
    "check": ("check", "{}", "--board", "host"),
    "build": ("build", "{}", "--board", "host", "--out", "project"),
    "build for the NPU": (
        *("build", "{}", "--board", "corstone300", "--kernels", "ethos-u", "--out", "project"),
    ),
    "boards fit": ("boards", "fit", "{}"),
    "compare": ("compare", "{}", "--board", "host"),
    "evaluate INT8": ("evaluate", "float.keras", "{}", "--records", "."),
    "evaluate FLOAT": ("evaluate", "{}", "small.tflite", "--records", "."),
    "quantize": ("quantize", "{}", "--data", "windows.npz", "--out", "out.tflite"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_takes_a_hostile_file(tmp_path: Path, verb: str) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "small.tflite").write_bytes(SMALL)
    np.savez(folder / "windows.npz", x=np.zeros((20, 4), np.float32))
    ran = run_python(
        "-m", "tests.support.hostile_run", str(folder), *VERBS[verb], cwd=folder, timeout_s=280
    )
    assert ran.exit_code == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert set(found["answers"]) == set(EVERY)
    for name, answer in found["answers"].items():
        code = answer["stderr"].partition("]")[0].removeprefix("error[")
        assert code in {"TG101", "TG102", "TG103"}, (name, answer)
        if name in NODES and name != "sparse 100 MB":
            assert code == "TG101", (name, answer)
        if name in FORMATS:
            assert code in {"TG101", "TG102"}, (name, answer)
        shown = Result(
            exit_code=answer["exit_code"], stdout=answer["stdout"], stderr=answer["stderr"]
        )
        assert_refused(shown, code=code)
        assert len(answer["stderr"]) < 1000, name
        assert "\x1b" not in answer["stderr"]
        assert answer["is_clean"], name
    assert found["peak_bytes"] < PEAK_BYTES
    # No interpreter, converter or compiler has seen any of them.
    assert found["child_peak_bytes"] == 0
    assert not list(tmp_path.rglob("evil"))


PROJECT_VERBS = ("verify", "bench", "emulate", "flash", "replay")


def manifest_pipe(path: Path) -> None:
    os.mkfifo(path)


def manifest_without_end(path: Path) -> None:
    path.write_bytes(b"{")
    os.truncate(path, 600_000_000)


def manifest_of_lists(path: Path) -> None:
    path.write_bytes(b"[" * 300_000)


def manifest_of_others(path: Path) -> None:
    path.write_text(json.dumps({"tool": {"name": "tflm-gen"}, "files": {"../../etc/passwd": "0"}}))


@pytest.mark.parametrize(
    "make", [manifest_pipe, manifest_without_end, manifest_of_lists, manifest_of_others]
)
@pytest.mark.parametrize("verb", PROJECT_VERBS)
def test_no_verb_takes_a_hostile_project(tmp_path: Path, verb: str, make) -> None:
    project = tmp_path / "p"
    project.mkdir()
    make(project / "manifest.json")
    extra = ("--records", ".") if verb == "replay" else ()
    result = run_limited(verb, "p", *extra, cwd=tmp_path)
    assert_refused(result, code="TG502")
    assert [path.name for path in tmp_path.rglob("*")] == ["p", "manifest.json"]


def test_name_that_is_no_text_cannot_reach_the_terminal(tmp_path: Path) -> None:
    """A file name with an escape sequence in it."""
    path = tmp_path / "\x1b[31mred.tflite"
    path.write_bytes(b"nothing of use")
    result = run_limited("inspect", str(path), cwd=tmp_path)
    assert_refused(result, code="TG102")
    assert "\x1b" not in result.stderr


def test_memory_limit_bites(tmp_path: Path) -> None:
    hungry = PROGRAM.split("from tflm_gen", maxsplit=1)[0] + f"bytes({MEMORY_BYTES})\n"
    result = run_python("-c", hungry, cwd=tmp_path)
    assert "MemoryError" in result.stderr


EVIL = '*/ #error "x"\n\x1b[31m"\\ ${X} `id` ??/\n<script>|'


def evil_names() -> bytes:
    """Every text that a file can carry tries to be something else where it is shown."""
    model = unpack(ZOO["mlp"]())
    model.description = EVIL
    for graph in model.subgraphs:
        graph.name = EVIL
        for index, tensor in enumerate(graph.tensors):
            tensor.name = f"{EVIL}{index}"
    return pack(model)


def with_metadata(name: str, data: bytes) -> bytes:
    model = unpack(ZOO["mlp"]())
    buffer, entry = FB.BufferT(), FB.MetadataT()
    buffer.data = list(data)
    model.buffers.append(buffer)
    entry.name, entry.buffer = name, len(model.buffers) - 1
    model.metadata = [entry]
    return pack(model)


CONTENTS = {
    "names": evil_names(),
    "plan of negative places": with_metadata(
        "OfflineMemoryAllocation", struct.pack("<40i", 1, 0, 37, *[-4096] * 37)
    ),
    "plan of nothing": with_metadata("OfflineMemoryAllocation", b"\1\0"),
    "versions": with_metadata("CONVERSION_METADATA", b"2.1\x1b[31m\n" * 99),
    "lowest runtime": with_metadata("min_runtime_version", b"\xff" * 40),
    "specification of nested lists": with_metadata("TFLM_GEN_PREPROCESS", b"a=" + b"[" * 200_000),
    "specification that is no text": with_metadata("TFLM_GEN_PREPROCESS", b"\xff\x00" * 99),
    "calibration of others": with_metadata("TFLM_GEN_CALIBRATION", b'{"records": [{"a": 1}]}'),
    "name of metadata": with_metadata("TFLM_GEN_\x1b[31m", b"x"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_contents_do_no_harm(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The structure is right, so verbs answer, with or without an error, and show plain text."""
    from tflm_gen.cli import run

    monkeypatch.chdir(tmp_path)
    Path("m.tflite").write_bytes(CONTENTS[name])
    board = ("--board", "host")
    for arguments in (
        ("inspect", "m.tflite"),
        ("inspect", "m.tflite", "--arena"),
        ("check", "m.tflite", *board),
        ("boards", "fit", "m.tflite"),
        ("build", "m.tflite", *board, "--no-build", "--no-clean", "--engine", "tflm", "--out", "p"),
    ):
        assert run(list(arguments)) in (0, 1, 2), arguments
        shown = capsys.readouterr()
        assert "\x1b" not in shown.out + shown.err, arguments
        assert "Traceback" not in shown.err
    for path in (p for p in Path("p").rglob("*") if p.is_file() and p.suffix != ".tflite"):
        assert b'#error "x"' not in path.read_bytes(), path
        assert b"\x1b[31m" not in path.read_bytes(), path
