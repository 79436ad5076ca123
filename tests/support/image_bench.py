"""Runs many models on Arm's prebuilt image in QEMU: one firmware, its model replaced in the ELF.

The firmware registers every operator of the image and has room for a model; booting it with
another model takes a fraction of a second instead of a build.
"""

from __future__ import annotations

import dataclasses
import struct
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile

from tests.support.corstone_firmware import build_project, image_spec, write_project
from tests.support.graph_builder import FB
from tests.support.model_builder import ModelBuilder
from tests.support.wheel_bench import Outcome
from tflm_gen.arena_model.choice import forecast_arena
from tflm_gen.errors import TflmGenError
from tflm_gen.project.plan import GoldenVector
from tflm_gen.runner.launch import open_device
from tflm_gen.runner.select import select_device
from tflm_gen.runner.target import DeviceTarget
from tflm_gen.tflm.image import IMAGE
from tflm_gen.tflm.op_table import load_op_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from tflm_gen.model.records import Model
    from tflm_gen.runner.session import DeviceSession
    from tflm_gen.wire import Line

MODEL_ROOM_BYTES = 192 * 1024
ARENA_BYTES = 768 * 1024
_INPUT_ROOM_BYTES = 8192
_STEPS = {1: "resolver", 2: "allocate", 3: "invoke"}


# Each model has a search floor of its own, patched like the model.
_ARENA_CONFIG = f"""\
#pragma once
#include <cstddef>
namespace ecg {{
constexpr std::size_t kArenaBytes = {ARENA_BYTES};
constexpr std::size_t kArenaNeededBytes = 0;
[[gnu::used]] const volatile std::size_t kSearchFloorBytes = kArenaBytes;
}}  // namespace ecg
"""


def _search_floor(model: Model) -> int:
    target = {"core": "cortex-m55", "kernels": "cmsis-nn", "source": "corstone300_image"}
    floor = forecast_arena(model, **target).floor_bytes
    return min(ARENA_BYTES, ARENA_BYTES if floor is None else floor)


class ImageBench:
    """Firmware for any model of so many inputs and outputs, built on first use below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bases = cache(self._build)
        self._count = 0

    def run(self, model: Model, inputs: Sequence[bytes] = ()) -> Outcome:
        """Boot with the model; with inputs, also run one inference on them and read the outputs."""
        if not model.inputs or not model.outputs:
            return Outcome(verdict="not asked: no input or no output")
        if len(model.flatbuffer) > MODEL_ROOM_BYTES:
            return Outcome(verdict="too large for the bench")
        try:
            return self._boot(model, inputs)
        except TflmGenError as error:
            return Outcome(verdict=f"crashed ({error.code})", said=error.message)

    def instructions(self, model: Model) -> int | None:
        """Instructions of one inference; None if the image does not run the model."""
        if len(model.flatbuffer) > MODEL_ROOM_BYTES:
            return None
        try:
            with self._session(model, None) as session:
                boot = session.connect(require_ready=False)
                if boot.status != 0 or boot.timer is None:
                    return None
                found = session.bench(warmup=1, runs=2, profile=False)
        except TflmGenError:
            return None
        return session.clock.convert(min(found.invoke_ticks), boot.timer.hz)

    def open(self, model: Model) -> AbstractContextManager[DeviceSession]:
        """The firmware, booting with this model in it; the caller connects."""
        return self._session(model, None)

    def _boot(self, model: Model, inputs: Sequence[bytes]) -> Outcome:
        lines: list[str] = []
        with self._session(model, lambda line: lines.append(str(line.text))) as session:
            report = session.connect(require_ready=False)
            said = " | ".join(line for line in lines if "ERROR" in line or "LOG" in line)
            if report.status != 0:
                step = _STEPS.get(report.status, str(report.status))
                return Outcome(verdict=f"refused ({step})", said=said)
            if not inputs:
                return Outcome(verdict="ran", said=said)
            session.reset()
            for index, data in enumerate(inputs):
                session.write_input(index, data)
            session.invoke()
            outputs = tuple(session.read_output(index) for index in range(len(model.outputs)))
            return Outcome(verdict="ran", said=said, outputs=outputs)

    def _session(
        self, model: Model, on_line: Callable[[Line], None] | None
    ) -> AbstractContextManager[DeviceSession]:
        """The firmware, booting with this model in it."""
        spec = image_spec_of_all(len(model.inputs), len(model.outputs))
        base, at = self._bases(len(model.inputs), len(model.outputs))
        data = bytearray(base.read_bytes())
        data[at : at + len(model.flatbuffer)] = model.flatbuffer
        floor = symbol_offset(base, "kSearchFloorBytes")
        data[floor : floor + 4] = struct.pack("<I", _search_floor(model))
        elf = self._folder / "patched.elf"
        elf.write_bytes(data)
        target = DeviceTarget(
            root=self._folder,
            board_id=spec.board.id,
            board=spec.board.spec,
            elf_path=elf,
            engine=spec.engine,
            kernels=spec.kernels,
            model_name="bench",
            model=b"",
            model_crc=0,
        )
        choice = select_device(target, with_name="qemu")
        return open_device(choice, timeout_s=20.0, on_line=on_line)

    def _build(self, n_inputs: int, n_outputs: int) -> tuple[Path, int]:
        """Firmware with room for a model, and where in the ELF the model is."""
        spec = image_spec_of_all(n_inputs, n_outputs)
        firmware = write_project(spec, self._folder / f"base_{n_inputs}_{n_outputs}", ARENA_BYTES)
        config = firmware.root / "generated" / "arena_config.h"
        config.write_text(_ARENA_CONFIG, encoding="utf-8")
        build_project(firmware.root, IMAGE)
        elf = next((firmware.root / "out").rglob("firmware*.elf"), None) or firmware.elf
        return elf, symbol_offset(elf, "kModelData")


@cache
def image_spec_of_all(n_inputs: int, n_outputs: int):
    """A spec with all operators of the image and a placeholder for the model."""
    net = ModelBuilder(dtype="float32", seed=0)
    refs = [net.input((1, _INPUT_ROOM_BYTES // 4)) for _ in range(n_inputs)]
    last = refs[0] if refs else net.constant([[1.0]], "float32")
    outs = []
    for _ in range(n_outputs):
        out = net.tensor(last.shape, "float32")
        net.operator("ABS", [last], [out], FB.AbsOptionsT())
        outs.append(out)
    spec = image_spec(net.finish(outs), "bench")
    room = spec.model.flatbuffer.ljust(MODEL_ROOM_BYTES, b"\0")
    entries = load_op_table("corstone300_image").ops.values()
    return dataclasses.replace(
        spec,
        model=dataclasses.replace(spec.model, flatbuffer=room),
        entries=tuple(sorted(entries, key=lambda entry: entry.op)),
        # Inputs of full room, and no expected bytes: nothing is compared at start-up.
        golden=GoldenVector(
            inputs=(bytes(_INPUT_ROOM_BYTES),) * n_inputs,
            outputs=(b"",) * n_outputs,
            oracle="none",
        ),
    )


def symbol_offset(elf: Path, name: str) -> int:
    """File offset of a C++ object in namespace ecg."""
    with elf.open("rb") as stream:
        parsed = ELFFile(stream)
        symbols = parsed.get_section_by_name(".symtab")
        for symbol in symbols.iter_symbols():
            if f"{len(name)}{name}" in symbol.name or symbol.name == name:
                return next(parsed.address_offsets(symbol["st_value"]))
    raise AssertionError(f"no symbol {name}")
