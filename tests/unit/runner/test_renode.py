"""Renode's command line, script and monitor, against a program that only speaks like it."""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path

import pytest

from tests.support import fake_renode
from tests.support.dummy_target import dummy_target
from tflm_gen import resources
from tflm_gen.board_loader import load_board
from tflm_gen.errors import (
    DeviceTimeoutError,
    FirmwareError,
    MissingToolError,
    TflmGenError,
    UnsupportedChoiceError,
)
from tflm_gen.runner.clock import INSTRUCTIONS
from tflm_gen.runner.emulators import _renode_monitor, renode
from tflm_gen.runner.target import DeviceTarget
from tflm_gen.wire import decode_line, load_schema

PLATFORMS = ("nrf52840", "corstone300")


def target(tmp_path: Path, board_id: str = "nrf52840") -> DeviceTarget:
    elf = tmp_path / "my project" / "out" / "tflm" / "firmware.elf"
    return dummy_target(tmp_path, board_id, elf_path=elf)


@pytest.fixture
def bin_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def program(bin_dir: Path) -> Path:
    """The stand-in as ``renode`` on PATH."""
    path = bin_dir / "renode"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{fake_renode.__file__}" "$@"\n')
    path.chmod(0o755)
    return path


def test_command_line() -> None:
    assert renode.command(program="/opt/renode", monitor_port=4000) == (
        "/opt/renode",
        "--disable-gui",
        "--plain",
        "--hide-log",
        "-P",
        "4000",
    )


def test_script() -> None:
    text = _renode_monitor.script_text(
        machine="nrf52840",
        platform=Path("/a b/nrf52840.repl"),
        elf_path=Path("/p/firmware.elf"),
        uart="sysbus.uart0",
        uart_port=4001,
    )
    assert text.splitlines() == [
        "using sysbus",
        'mach create "nrf52840"',
        'machine LoadPlatformDescription @"/a b/nrf52840.repl"',
        'sysbus LoadELF @"/p/firmware.elf"',
        'emulation CreateServerSocketTerminal 4001 "wire" false',
        "connector Connect sysbus.uart0 wire",
        'echo "tflm-gen: machine is ready"',
    ]


@pytest.mark.parametrize("path", ["relative.elf", '/a"b.elf', "/a\nquit\n"])
def test_script_takes_no_path_that_is_more_than_one(path: str) -> None:
    with pytest.raises(ValueError, match="no path"):
        _renode_monitor.script_text(
            machine="m", platform=Path("/x"), elf_path=Path(path), uart="u", uart_port=1
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Renode, version 1.16.1.1 (d2f0e4)", False),
        ("Renode, version 1.16.1.1234 (1.16.1+20260714gitabc)", False),
        ("renode 1.16.1+20260715gitabc", True),
        ("Renode, version 1.15.3", False),
        ("Renode, version 1.17.0", True),
        ("what?", None),
    ],
)
def test_which_versions_have_integer_helium(text: str, expected: bool | None) -> None:
    assert renode.has_integer_helium(text) is expected


def test_connects_before_the_machine_starts(program: Path, tmp_path: Path) -> None:
    with renode.open_renode(target(tmp_path)) as link:
        assert link.stream.read(100, 10.0) == b"$0 READY after start\n"
        link.stream.write(b"$0 HELLO\n", 10.0)
        assert link.stream.read(100, 10.0) == b"heard you\n"
        assert link.clock.basis == INSTRUCTIONS
        assert link.clock.convert(1000, 64_000_000) == 1000


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ("script", FirmwareError, "refused the machine: There was an error executing command"),
        ("silent", DeviceTimeoutError, "did not set up its machine in"),
        ("leaves", DeviceTimeoutError, "did not set up its machine before it ended"),
        ("dies", DeviceTimeoutError, "Mono is missing"),
    ],
)
def test_what_goes_wrong_is_told_soon(
    program: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    error: type[TflmGenError],
    says: str,
) -> None:
    monkeypatch.setenv("FAKE_RENODE", fault)
    monkeypatch.setattr(renode, "_START_TIMEOUT_S", 3.0)
    with pytest.raises(error, match=says) as caught, renode.open_renode(target(tmp_path)):
        pass
    assert "--with qemu" in caught.value.hint


def test_monitor_that_is_gone_is_told(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(DeviceTimeoutError, match="closed its monitor"):
        _renode_monitor.Monitor(ours).send("start")


def test_obstacles(bin_dir: Path, tmp_path: Path) -> None:
    missing = renode.EMULATOR.obstacle(target(tmp_path))
    assert isinstance(missing, MissingToolError)
    assert missing.exit_code == 3
    assert isinstance(renode.EMULATOR.obstacle(target(tmp_path, "host")), UnsupportedChoiceError)


@pytest.mark.parametrize(
    ("version", "is_refused"), [("1.16.1.1 (abc)", True), ("1.16.1+20260801gitabc", False)]
)
def test_cortex_m55_needs_a_renode_with_helium(
    program: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    is_refused: bool,
) -> None:
    monkeypatch.setenv("FAKE_RENODE_VERSION", f"Renode, version {version}")
    obstacle = renode.EMULATOR.obstacle(target(tmp_path, "corstone300"))
    assert isinstance(obstacle, UnsupportedChoiceError) is is_refused
    assert not renode.EMULATOR.is_described_for(target(tmp_path, "corstone300"))
    assert renode.EMULATOR.is_described_for(target(tmp_path))


def test_no_obstacle_when_renode_is_there(program: Path, tmp_path: Path) -> None:
    assert renode.EMULATOR.obstacle(target(tmp_path)) is None


# --- the files that ship -----------------------------------------------------------------------


def shipped(name: str) -> str:
    return (resources.renode_dir() / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("board", PLATFORMS)
@pytest.mark.parametrize("kind", ["repl", "resc", "robot"])
def test_files_need_no_network(board: str, kind: str) -> None:
    text = shipped(f"{board}.{kind}")
    assert "ApplySVD" not in text
    assert "://" not in text
    assert text.isascii()


@pytest.mark.parametrize("board", PLATFORMS)
def test_all_clocks_of_a_platform_are_one(board: str) -> None:
    """Else a count of cycles is not a count of instructions."""
    text = shipped(f"{board}.repl")
    (mips,) = re.findall(r"PerformanceInMips: (\d+)", text)
    (systick,) = re.findall(r"systickFrequency: (\d+)", text)
    (dwt,) = re.findall(r"Miscellaneous\.DWT @ sysbus 0xE0001000\n +frequency: (\d+)", text)
    assert int(systick) == int(dwt) == int(mips) * 1_000_000


@pytest.mark.parametrize("board_id", PLATFORMS)
def test_platform_matches_the_board_file(board_id: str) -> None:
    board = load_board(board_id).spec
    described = board.emulator.renode
    assert described is not None
    assert board.cpu.clock_hz == described.mips * 1_000_000
    assert f"PerformanceInMips: {described.mips}\n" in shipped(described.platform)


def test_corstone300_platform_has_the_board_s_memories() -> None:
    text = shipped("corstone300.repl")
    found = {
        (int(origin, 16), int(size, 16))
        for origin, size in re.findall(
            r"MappedMemory @ \{ sysbus (0x\w+);.*\n +size: (0x\w+)", text
        )
    }
    for region in load_board("corstone300").spec.memory:
        assert any(
            start <= (region.origin & ~0x1000_0000)
            and (region.origin & ~0x1000_0000) + region.size_bytes <= start + size
            for start, size in found
        ), region


@pytest.mark.parametrize("board", PLATFORMS)
def test_robot_file_s_uart_lines_are_no_named_arguments(board: str) -> None:
    """Robot Framework takes ``word=text`` for a named argument if the keyword has that name."""
    known = {"timeout", "treatAsRegex", "waitForEcho", "includeUnfinishedLine", "pauseEmulation"}
    for line in shipped(f"{board}.robot").splitlines():
        if re.match(r" +(\$\{line\}= +)?(Wait For|Write) Line", line):
            for argument in re.split(r" {2,}", line.strip()):
                name = re.match(r"(\w+)=", argument)
                assert name is None or name[1] in known | {"line"}, argument


@pytest.mark.parametrize(
    ("board", "names"), [("nrf52840", "BENCH INJECT"), ("corstone300", "INJECT")]
)
def test_robot_file_s_commands_have_valid_checksums(board: str, names: str) -> None:
    commands = re.findall(r"Write Line To Uart {4}(\$\d+ .*?) {4}", shipped(f"{board}.robot"))
    schema = load_schema()
    records = [decode_line(command.encode(), schema.commands) for command in commands]
    assert " ".join(record.name for record in records) == names


@pytest.mark.parametrize("board", PLATFORMS)
def test_robot_file_asserts_latency_and_a_fault(board: str) -> None:
    text = shipped(f"{board}.robot")
    assert re.search(r"Should Be True .*\$\{instructions\} <= \$\{BUDGET\}", text)
    assert re.search(r"\[Tags\] +fault\n(.+\n)+ .*FAULT kind=UsageFault", text)


@pytest.mark.parametrize("board", PLATFORMS)
def test_robot_file_waits_for_records_that_exist(board: str) -> None:
    schema = load_schema()
    lines = re.findall(
        r"Wait For Line On Uart +\^(\S+ [A-Z]+[^^]*?) {4}", shipped(f"{board}.robot")
    )
    assert lines
    for line in lines:
        name, *fields = re.sub(r"^\S+ ", "", line).split(" ")
        spec = schema.records[name]
        known = {field.name for field in spec.fields}
        written = {text.split("=")[0] for text in fields if "=" in text}
        assert written <= known, line


RESC_COMMANDS = (
    r":(name|description): \S.*",
    r"using sysbus",
    r"\$\w+\?=(\"\w+\"|@[\w./]+)",
    r"mach create \$name",
    r"machine LoadPlatformDescription \$repl",
    r"showAnalyzer uart0",
    r"macro reset",
    r'"""',
    r" +(sysbus LoadELF \$bin|cpu VectorTableOffset 0x0)",
    r"runMacro \$reset",
    r'echo "tflm-gen: machine is ready"',
)


@pytest.mark.parametrize("board", PLATFORMS)
def test_script_has_only_commands_that_were_seen_to_work(board: str) -> None:
    text = shipped(f"{board}.resc")
    lines = [line for line in text.splitlines() if line]
    for line in lines:
        assert any(re.fullmatch(command, line) for command in RESC_COMMANDS), line
    assert lines[-1] == f'echo "{_renode_monitor.SENTINEL}"'
    assert text.count('"""') == 2
    set_here = set(re.findall(r"^\$(\w+)\?=", text, re.M)) | {"reset"}
    assert set(re.findall(r"\$(\w+)", text)) == set_here


# An entry, a property, a connection, the start-up commands, and nothing else.
REPL_LINES = (
    r'using "platforms/cpus/nrf52840.repl"',
    r"\w+:( [A-Z]\w+\.\w+ @ (sysbus( 0x[0-9A-F]{8})?|\{ sysbus 0x\w+; sysbus 0x\w+ \}))?",
    r"    \w+: (\d+|0x[0-9A-F]+|\"[\w-]+\"|nvic)",
    r"    (\w+ )?-> (nvic|cpu)@\d+",
    r"    init:",
    r'        Tag <0x[0-9A-F]{8}, 0x[0-9A-F]{8}> "\w+"( 0x0)?',
)


@pytest.mark.parametrize("board", PLATFORMS)
def test_platform_has_only_what_was_seen_to_load(board: str) -> None:
    for line in shipped(f"{board}.repl").splitlines():
        if line and not line.startswith("//"):
            assert any(re.fullmatch(form, line) for form in REPL_LINES), line
