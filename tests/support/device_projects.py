"""Projects with real firmware for the emulator tests, built once per test session."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.model_builder import ModelBuilder
from tflm_gen.model.reader import parse_model, read_model
from tflm_gen.pipeline import BuildRequest, build_project
from tflm_gen.runner.emulators.qemu import command
from tflm_gen.runner.launch import open_device
from tflm_gen.runner.select import select_device
from tflm_gen.runner.target import DeviceTarget, load_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tflm_gen.model.records import Model
    from tflm_gen.runner.session import DeviceSession
    from tflm_gen.wire import Line

# Loops for ever without a word, and faults inside its own fault handler: both from reset.
SILENT = ".word 0x20001000, run + 1, fault + 1, fault + 1\nrun: b run\nfault: b fault\n"
LOCKUP = ".word 0x20001000, run + 1, 0, 0\nrun: ldr r0, =0xffffff00\nldr r0, [r0]\nb run\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProject:
    """A built project."""

    root: Path
    model: Model

    @property
    def target(self) -> DeviceTarget:
        return load_target(self.root)

    def open(
        self, timeout_s: float = 30.0, on_line: Callable[[Line], None] | None = None
    ) -> AbstractContextManager[DeviceSession]:
        """Boot it in QEMU; the caller connects."""
        choice = select_device(self.target, with_name="qemu")
        return open_device(choice, timeout_s=timeout_s, on_line=on_line)

    def flashed_model(self) -> Model:
        """The model in the firmware: the given one after its clean-up."""
        return read_model(self.root / "model" / "model.tflite")

    def copy_with_elf(self, root: Path, elf: Path) -> DeviceProject:
        """The same project with other firmware in it."""
        shutil.copytree(self.root, root)
        shutil.copyfile(elf, root / "out" / "tflm" / "firmware.elf")
        return DeviceProject(root=root, model=self.model)


def small_cnn(seed: int = 1) -> bytes:
    """Convolution, pooling, dense layers: equal bytes on every kernel library known."""
    net = ModelBuilder(seed=seed)
    x = net.conv_1d(net.input((1, 64, 1), name="ecg_mv"), 8, 5, activation="RELU")
    x = net.conv_1d(x, 8, 3, activation="RELU")
    return net.finish([net.softmax(net.fully_connected(net.mean(x, (1,)), 4))])


def build_device_project(
    flatbuffer: bytes, name: str, root: Path, *, is_proven: bool = False
) -> DeviceProject:
    """Build for corstone300, with fault injection."""
    model = parse_model(flatbuffer, f"{name}.tflite")
    build_project(
        BuildRequest(
            model=model,
            board_id="corstone300",
            out=root,
            engine="tflm",
            arena_mode="proven" if is_proven else "largest",
            allow_fault_injection=True,
        )
    )
    return DeviceProject(root=root, model=model)


def assemble(source: str, elf: Path) -> Path:
    """Bare firmware from assembler text, vector table first, at address 0."""
    text = f".syntax unified\n.thumb\n.text\n{source}"
    argv = ["arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mthumb", "-nostdlib", "-Wl,--entry=0"]
    subprocess.run(
        [*argv, "-Wl,-Ttext=0", "-x", "assembler", "-o", str(elf), "-"],
        input=text.encode(),
        check=True,
        capture_output=True,
        timeout=60,
    )
    return elf


def spoil_golden_output(elf: Path, spoiled: Path) -> Path:
    """A copy of firmware that expects another first output byte at its self-test."""
    from elftools.elf.elffile import ELFFile

    data = bytearray(elf.read_bytes())
    with elf.open("rb") as stream:
        parsed = ELFFile(stream)
        symbols = parsed.get_section_by_name(".symtab")
        (table,) = symbols.get_symbol_by_name("_ZN3ecg12kTestOutputsE")

        def place(address: int) -> int:
            return next(parsed.address_offsets(address))

        at = place(table["st_value"])
        data[place(int.from_bytes(data[at : at + 4], "little"))] ^= 1
    spoiled.write_bytes(data)
    return spoiled


@contextlib.contextmanager
def qemu_on_a_terminal(project: DeviceProject) -> Iterator[str]:
    """QEMU with its serial line on a pseudo-terminal; the terminal's name."""
    machine = project.target.board.emulator.qemu
    argv = command(
        machine=machine.machine,
        icount_shift=machine.icount_shift,
        elf_path=project.target.elf_path,
        serial="pty",
    )
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        name = re.search(r"/dev/pts/\d+", process.stdout.readline())
        yield name[0]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
