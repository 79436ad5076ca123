"""Firmware projects for the nRF52840 and its QEMU twin, assembled from the firmware templates.

Assembled here rather than by the tool: so that a board without a TFLM to link can be tried with
the engine that needs none, and with a tree that only has TFLM's shape.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.programs import check
from tflm_gen import resources
from tflm_gen.board_loader import load_board
from tflm_gen.runner.clock import icount_clock
from tflm_gen.runner.emulators.qemu import command
from tflm_gen.runner.session import DeviceSession, Limits
from tflm_gen.runner.stream import SocketStream
from tflm_gen.tflm.upstream.recipe import load_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

STAND_IN = Path(__file__).parents[1] / "firmware" / "tflm_stand_in"
_GENERATED = {
    "generated/app_config.h": """\
#pragma once
#include <cstddef>
namespace ecg {{
constexpr char kFirmwareVersion[] = "0.0.0";
constexpr char kBoardId[] = "nrf52840";
constexpr char kEngineName[] = "{engine}";
constexpr char kKernelsName[] = "{kernels}";
constexpr char kRuntimeId[] = "none";
constexpr char kModelName[] = "test";
constexpr bool kAllowFaultInjection = true;
constexpr std::size_t kMaxOps = 1;
constexpr std::size_t kStackBytes = 8192;
constexpr std::size_t kInputBytes = 16;
}}  // namespace ecg
""",
    "generated/arena_config.h": """\
#pragma once
#include <cstddef>
namespace ecg {{
constexpr std::size_t kArenaBytes = {arena_bytes};
constexpr std::size_t kArenaNeededBytes = 0;
constexpr std::size_t kSearchFloorBytes = {arena_bytes};
}}
""",
    "generated/test_vector.h": """\
#pragma once
#include <cstddef>
namespace ecg {{
struct TestTensor {{
  const unsigned char* data;
  std::size_t bytes;
}};
constexpr std::size_t kTestInputCount = 1;
constexpr std::size_t kTestOutputCount = 1;
extern const TestTensor kTestInputs[kTestInputCount];
extern const TestTensor kTestOutputs[kTestOutputCount];
}}  // namespace ecg
""",
    "generated/test_vector.cc": """\
#include "test_vector.h"
namespace ecg {{
namespace {{
constexpr unsigned char kInput[] = {{1, 2, 3, 250}};
constexpr unsigned char kOutput[] = {{{output}}};
}}  // namespace
const TestTensor kTestInputs[kTestInputCount] = {{{{kInput, sizeof(kInput)}}}};
const TestTensor kTestOutputs[kTestOutputCount] = {{{{kOutput, sizeof(kOutput)}}}};
}}  // namespace ecg
""",
    "generated/op_resolver.h": """\
#pragma once
#include "ecg_tflm_api.h"
namespace ecg {{
using OpResolver = tflite::MicroMutableOpResolver<3>;
template <typename OnFailure>
bool RegisterOps(OpResolver& resolver, OnFailure on_failure) {{
  if (resolver.AddConv2D() != kTfLiteOk || resolver.AddReshape() != kTfLiteOk ||
      resolver.AddSoftmax() != kTfLiteOk) {{
    on_failure("CONV_2D");
    return false;
  }}
  return true;
}}
}}  // namespace ecg
""",
    "model/model_data.h": """\
#pragma once
#include <cstddef>
#include <cstdint>
namespace ecg {{
extern const unsigned char kModelData[];
constexpr std::size_t kModelBytes = 4;
constexpr char kModelSha256[] = "00";
constexpr std::uint32_t kModelCrc32 = 0xb63cfbcd;
constexpr std::uint32_t kModelSchemaVersion = 3;
}}  // namespace ecg
""",
    "model/model_data.cc": """\
#include "model_data.h"
namespace ecg {{
alignas(16) extern const unsigned char kModelData[] = {{1, 2, 3, 4}};
}}
""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class M4Project:
    """A project folder whose firmware runs on the nRF52840 or its twin."""

    root: Path
    engine: str

    def write(
        self, *, kernels: str = "", ops: tuple[str, ...] = (), arena_bytes: int = 4096
    ) -> M4Project:
        """Write all files."""
        templates = resources.firmware_templates_dir()
        for name in (
            "cmake",
            "common",
            "tflm_source",
            "tflm_api/upstream",
            f"engine/{self.engine}",
        ):
            shutil.copytree(templates / name, self.root / name)
        for name in ("cortex_m", "mps2", "nrf52"):
            shutil.copytree(templates / "port" / name, self.root / "port" / name)
        shutil.copyfile(templates / "CMakeLists.txt", self.root / "CMakeLists.txt")
        values = {
            "engine": self.engine,
            "kernels": kernels,
            "arena_bytes": arena_bytes,
            "output": "1, 2, 3, 250" if self.engine == "none" else "250, 3, 2, 1",
        }
        for path, text in _GENERATED.items():
            target = self.root / path
            target.parent.mkdir(exist_ok=True)
            target.write_text(text.format(**values))
        (self.root / "generated" / "project.cmake").write_text(self._settings(kernels, ops))
        return self

    def _settings(self, kernels: str, ops: tuple[str, ...]) -> str:
        board = load_board("nrf52840").spec
        flash, ram = board.region_for("code"), board.region_for("data")
        assert flash is not None
        assert ram is not None
        values = {
            "ECG_PROJECT_NAME": "test-nrf52840",
            "ECG_FAMILY": "nrf52",
            "ECG_ENGINE": self.engine,
            "ECG_KERNELS": kernels,
            "ECG_TFLM_API": "upstream",
            "ECG_TFLM_OPS": ";".join(ops),
            "ECG_CPU": "cortex-m4",
            "ECG_FLOAT_ABI": "hard",
            "ECG_OPTIMIZE": "-O2",
            "ECG_TWIN_FAMILY": "mps2",
            "ECG_PORT_DEFINES": "ECG_CONSOLE_TX_PIN=6;ECG_CONSOLE_RX_PIN=8",
            "ECG_FLASH_ORIGIN": str(flash.origin),
            "ECG_FLASH_BYTES": str(flash.size_bytes),
            "ECG_RAM_ORIGIN": str(ram.origin),
            "ECG_RAM_BYTES": str(ram.size_bytes),
        }
        return "".join(f'set({name} "{value}")\n' for name, value in values.items())

    def folder(self, *, is_twin: bool) -> Path:
        """Where a build leaves its results."""
        return self.root / "out" / (f"{self.engine}-twin" if is_twin else self.engine)

    def configure(self, *, is_twin: bool = False, tflm_dir: Path | None = None) -> Path:
        """Run CMake; returns the build folder."""
        build = self.folder(is_twin=is_twin) / "build"
        options = ["-DECG_TWIN=ON"] if is_twin else []
        if tflm_dir is not None:
            options.append(f"-DTFLM_DIR={tflm_dir}")
        check(
            *("cmake", "-S", self.root, "-B", build, "-G", "Ninja"),
            "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON",
            *options,
        )
        return build

    def build(self, *, is_twin: bool = False, tflm_dir: Path | None = None) -> Path:
        """Configure, compile and link; returns the ELF file."""
        build = self.configure(is_twin=is_twin, tflm_dir=tflm_dir)
        check("cmake", "--build", build, "--parallel", "2")
        return self.folder(is_twin=is_twin) / "firmware.elf"


def compiled_files(build: Path, root: Path) -> dict[str, str]:
    """Command line of every file below a folder that a build compiles, by relative path."""
    entries = json.loads((build / "compile_commands.json").read_text())
    files = {}
    for entry in entries:
        path = Path(entry["file"])
        if path.is_relative_to(root):
            files[path.relative_to(root).as_posix()] = entry["command"]
    return files


def write_tflm_shape(root: Path) -> Path:
    """A tree with every file that the recipe names, empty but for what the engine calls."""
    recipe = load_recipe()
    sources = {*recipe.base, *recipe.shared_kernels}
    for entry in recipe.operators.values():
        sources |= {*entry.reference, *entry.cmsis_nn}
    for name in sorted(sources):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_kernel_body(Path(name)))
    shutil.copytree(STAND_IN / "tensorflow", root / "tensorflow", dirs_exist_ok=True)
    (root / "tensorflow/lite/micro/micro_interpreter.cc").write_text(
        (STAND_IN / "stand_in.cc").read_text()
    )
    # What upstream's folders hold besides: must not be compiled.
    for name in ("micro_log_test.cc", "test_helpers.cc", "debug_log.cc", "fake_micro_context.cc"):
        (root / "tensorflow/lite/micro" / name).write_text("#error must not be compiled\n")
    for part in recipe.third_party:
        marker = root / "third_party_deps" / part.name / part.marker
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text("")
    nn_source = root / "third_party_deps" / "cmsis_nn" / "Source"
    for entry in recipe.operators.values():
        for folder in entry.cmsis_nn_folders:
            (nn_source / folder).mkdir(parents=True, exist_ok=True)
            (nn_source / folder / f"arm_{folder.lower()}.c").write_text("typedef int empty_t;\n")
    return root


def _kernel_body(path: Path) -> str:
    """Registration functions, in both kernel libraries: linking both of one would fail."""
    register = {"conv.cc": "CONV_2D", "softmax.cc": "SOFTMAX", "reshape.cc": "RESHAPE"}
    op = register.get(path.name)
    if op is None:
        return ""
    return (
        '#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"\n'
        f"namespace tflite {{ TfLiteStatus Register_{op}() {{ return kTfLiteOk; }} }}\n"
    )


@contextlib.contextmanager
def running_twin(elf: Path) -> Iterator[DeviceSession]:
    """A session with the twin in QEMU, as the tool starts it; the caller connects."""
    machine = load_board("nrf52840").spec.emulator.qemu
    assert machine is not None
    ours, theirs = socket.socketpair()
    argv = command(
        machine=machine.machine,
        icount_shift=machine.icount_shift,
        elf_path=elf,
        serial=f"fd={theirs.fileno()}",
    )
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
    )
    theirs.close()
    try:
        yield DeviceSession(
            SocketStream(ours),
            source="twin",
            clock=icount_clock(machine.icount_shift),
            limits=Limits(boot_s=30.0, command_s=30.0, hello_after_s=None),
        )
    finally:
        ours.close()
        process.kill()
        process.wait()
