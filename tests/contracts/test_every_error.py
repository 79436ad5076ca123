"""Every code of the catalogue can be provoked: by the command line, or by the call that raises it."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command_line import ROOT, Result, run_tool
from tests.support.errors_page import error_classes
from tests.support.graph_builder import pack, unpack
from tests.support.requirements import require
from tests.support.scripted_device import BANNER, scripted
from tests.support.small_model import SMALL, small_object
from tests.support.zoo import ZOO
from tests.support.zoo_features import FEATURES
from tflm_gen import errors
from tflm_gen.process import CommandLine, find_tool, run

EXAMPLE = str(ROOT / "examples" / "ecg" / "ecg.tflite")

Provoker = Callable[[Path, pytest.MonkeyPatch], Result | None]


def write(folder: Path, name: str, data: bytes) -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


def build(folder: Path, data: bytes, *options: str) -> Result:
    model = write(folder, "model.tflite", data)
    return run_tool("build", model, *options, "--out", str(folder / "project"), cwd=folder)


# --- by the command line --------------------------------------------------------------------------


def missing_file(folder: Path, _: object) -> Result:
    return run_tool("inspect", "absent.tflite", cwd=folder)


def another_format(folder: Path, _: object) -> Result:
    return run_tool("inspect", write(folder, "m.tflite", b"\x89HDF\r\n\x1a\n" + bytes(99)))


def cut_short(folder: Path, _: object) -> Result:
    return run_tool("inspect", write(folder, "m.tflite", SMALL[:900]))


def newer_schema(folder: Path, _: object) -> Result:
    model = small_object()
    model.version = 4
    return run_tool("inspect", write(folder, "m.tflite", pack(model)))


def missing_operator(folder: Path, _: object) -> Result:
    return build(folder, FEATURES["missing_gelu"](), "--board", "host", "--engine", "tflm")


def not_compilable(folder: Path, _: object) -> Result:
    options = ("--board", "host", "--engine", "compiled", "--no-build")
    return build(folder, ZOO["attention"](), *options)


def late_refusal(folder: Path, _: object) -> Result:
    data = FEATURES["elementwise_int8_sqrt"]()
    return build(folder, data, "--board", "corstone300", "--engine", "tflm")


def unknown_board(folder: Path, _: object) -> Result:
    return run_tool("check", EXAMPLE, "--board", "corstone30", cwd=folder)


def wrong_kernels(folder: Path, _: object) -> Result:
    return run_tool("check", EXAMPLE, "--board", "host", "--kernels", "esp-nn", cwd=folder)


def no_tflm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(folder / "cache"))
    monkeypatch.delenv("TFLM_GEN_TFLM_DIR", raising=False)
    return build(folder, ZOO["mlp"](), "--board", "nrf52840", "--engine", "tflm")


def no_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(folder / "cache"))
    monkeypatch.setenv("PIP_INDEX_URL", f"file://{folder}/no-index")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return run_tool("deps", "get", "corstone300-image", cwd=folder)


def folder_of_others(folder: Path, _: object) -> Result:
    (folder / "project").mkdir()
    (folder / "project" / "precious.txt").write_text("mine")
    return build(folder, ZOO["mlp"](), "--board", "host")


def no_project(folder: Path, _: object) -> Result:
    return run_tool("verify", str(folder))


def unknown_option(folder: Path, _: object) -> Result:
    return run_tool("inspect", EXAMPLE, "--jsn", cwd=folder)


# --- by the call that raises it -------------------------------------------------------------------


def misspelled_board_file(_: Path, __: object) -> None:
    from tflm_gen.board_loader import parse_board

    parse_board(b'name = "x"\nclok = 1\n', "x.toml")


def too_large(_: Path, __: object) -> None:
    from tflm_gen.board_loader import load_board
    from tflm_gen.memory_plan import plan_memory, unproven_arena

    plan_memory(board=load_board("nrf52840"), model_bytes=2_000_000, arena=unproven_arena(16))


def no_such_program(_: Path, __: object) -> None:
    find_tool("no-such-program", install_hint="Install it.")


def another_download(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index serves another wheel under the pinned name."""
    from tflm_gen.tflm import image

    served = folder / "served.whl"
    with zipfile.ZipFile(served, "w") as archive:
        archive.writestr("nothing", "")
    monkeypatch.setenv("TFLM_GEN_CACHE", str(folder / "cache"))
    monkeypatch.setattr(image, "_download", lambda *_: served)
    image.fetch_image(image.IMAGE)


def no_port(_: Path, __: object) -> None:
    from tflm_gen.runner.serial_port import open_serial

    open_serial("/dev/no-such-port")


def _uf2_request(folder: Path):
    from tests.unit.runner.test_uf2 import uf2_request

    return uf2_request(folder, 0x26000, str(folder))


def no_drive(folder: Path, _: object) -> None:
    from tflm_gen.runner.flashers import uf2

    uf2.flash(_uf2_request(folder))


def drive_that_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tflm_gen.runner.flashers import uf2

    (folder / "INFO_UF2.TXT").write_text("UF2 Bootloader\n")
    monkeypatch.setattr(uf2, "_GONE_TIMEOUT_S", 0.2)
    uf2.flash(_uf2_request(folder))


def broken_project(folder: Path, _: object) -> None:
    from tflm_gen.toolchain import cmake

    require("cross")
    (folder / "CMakeLists.txt").write_text("message(FATAL_ERROR no)\n")
    cmake.configure(folder, "tflm", {})


def silent_device(_: Path, __: object) -> None:
    with scripted(timeout_s=0.3) as (session, _device):
        session.connect()


def faulting_device(_: Path, __: object) -> None:
    from tests.unit.runner.test_session import FAULT

    with scripted() as (session, device):
        device.send("BANNER", **BANNER)
        device.send("FAULT", **FAULT)
        session.connect()


def another_wire(_: Path, __: object) -> None:
    with scripted() as (session, device):
        device.send("BANNER", **{**BANNER, "wire": 99})
        session.connect()


def failed_start(_: Path, __: object) -> None:
    with scripted() as (session, device):
        device.send("BANNER", **BANNER)
        device.send("ERROR", where="resolver", detail="CONV_2D", value=-1)
        device.send("READY", status=1)
        session.connect()


def slow_program(_: Path, __: object) -> None:
    argv = (sys.executable, "-c", "import time; time.sleep(60)")
    run(CommandLine(argv=argv, purpose="wait", timeout_s=0.3))


def crashing_oracle(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps such a model from the interpreter is taken away for once."""
    from tflm_gen.oracle import client
    from tflm_gen.vectors import Vector

    require("oracle")
    monkeypatch.setattr(client, "reason_not_to_run", lambda _: "")
    data = FEATURES["custom_signalwindow"]()
    client.run_oracle(data, [Vector(name="zeros", inputs=(bytes(16),))])


def refusing_oracle(_: Path, __: object) -> None:
    from tflm_gen.oracle.client import run_oracle
    from tflm_gen.vectors import Vector

    require("oracle")
    data = FEATURES["missing_gelu"]()
    run_oracle(data, [Vector(name="zeros", inputs=(bytes(16),))])


def damaged_image(_: Path, __: object) -> None:
    from tflm_gen.toolchain.intel_hex import parse_intel_hex

    parse_intel_hex(":02000000AB\n")


def record_without_content(folder: Path, _: object) -> None:
    from tests.unit.preprocess.test_spec import spec_with
    from tflm_gen.evaluate.beats import read_record

    (folder / "100.npz").write_bytes(b"no archive")
    read_record(folder, "100", spec_with())


def malformed_spec(_: Path, __: object) -> None:
    from tflm_gen.preprocess.spec import parse_spec

    parse_spec("= 1", "x.toml")


def leak(_: Path, __: object) -> None:
    from tflm_gen.evaluate.splits import RecordId, check_leak

    same = RecordId(name="100", patient="100", sha256="a")
    check_leak([same], [same])


def too_few_patients(_: Path, __: object) -> None:
    from tflm_gen.evaluate.splits import RecordId, k_folds

    k_folds([RecordId(name="100", patient="100", sha256="a")], n_folds=3)


PROVOKERS: dict[str, Provoker] = {
    "TG101": missing_file,
    "TG102": another_format,
    "TG103": cut_short,
    "TG104": newer_schema,
    "TG105": missing_operator,
    "TG106": not_compilable,
    "TG107": late_refusal,
    "TG108": refusing_oracle,
    "TG201": unknown_board,
    "TG202": misspelled_board_file,
    "TG203": too_large,
    "TG204": wrong_kernels,
    "TG301": no_such_program,
    "TG302": no_network,
    "TG303": another_download,
    "TG304": no_tflm,
    "TG305": no_port,
    "TG306": no_drive,
    "TG401": broken_project,
    "TG402": silent_device,
    "TG403": faulting_device,
    "TG404": another_wire,
    "TG405": failed_start,
    "TG406": slow_program,
    "TG407": crashing_oracle,
    "TG408": drive_that_stays,
    "TG501": folder_of_others,
    "TG502": no_project,
    "TG503": damaged_image,
    "TG504": unknown_option,
    "TG601": record_without_content,
    "TG602": malformed_spec,
    "TG603": leak,
    "TG604": too_few_patients,
}
CLASSES = {error.code: error for error in error_classes()}


def test_every_code_has_a_way_to_provoke_it() -> None:
    assert sorted(PROVOKERS) == sorted(CLASSES)


@pytest.mark.parametrize("code", sorted(PROVOKERS))
def test_code_is_provoked(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = CLASSES[code]
    try:
        result = PROVOKERS[code](tmp_path, monkeypatch)
    except errors.TflmGenError as raised:
        assert type(raised) is error, raised
        message, hint = raised.message, raised.hint
    else:
        assert result is not None, "nothing was raised"
        lines = result.stderr.splitlines()
        assert lines[0].startswith(f"error[{code}]: "), result.stderr + result.stdout
        assert result.exit_code == error.exit_code
        assert result.stdout == ""
        message, hint = lines[0], lines[1].removeprefix("hint: ")
    # One line each, and words in them.
    assert "\n" not in message + hint
    assert len(message) > 15
    assert len(hint) > 8


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("check", EXAMPLE, "--board", "corstone30"), "corstone300"),
        (("check", EXAMPLE, "--bord", "host"), "--board"),
        (("inspect", EXAMPLE, "--jsn"), "--json"),
        (("chekc", EXAMPLE), "check"),
        (("deps", "get", "corstone300-imag"), "corstone300-image"),
        (("build", EXAMPLE, "--board", "host", "--kernels", "cmsis"), "cmsis-nn"),
    ],
)
def test_nearest_name_is_offered(arguments: tuple[str, ...], meant: str, tmp_path: Path) -> None:
    result = run_tool(*arguments, cwd=tmp_path)
    assert result.exit_code == 2
    assert meant in result.stderr


def test_nearest_operator_is_offered(tmp_path: Path) -> None:
    model = unpack(FEATURES["custom_nosuchthing"]())
    model.operatorCodes[0].customCode = "SignalWindo"
    checked = run_tool(
        "check", write(tmp_path, "m.tflite", pack(model)), "--board", "host", cwd=tmp_path
    )
    assert checked.exit_code == 1
    assert "Did you mean CUSTOM:SignalWindow" in " ".join(checked.stdout.split())
    built = build(
        tmp_path, FEATURES["missing_reduce_prod"](), "--board", "host", "--engine", "tflm"
    )
    assert built.exit_code == 1
    assert "nearest names it has: REDUCE_MIN, REDUCE_MAX" in built.stderr
