"""ecg_tflm_api.h for the wheel against the wheel itself: symbols, tables, layouts, results."""

from __future__ import annotations

import re
import signal
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.host_firmware import check, run, wheel_library
from tests.support.zoo import ZOO
from tflm_gen import resources
from tflm_gen.model.reader import parse_model
from tflm_gen.oracle.client import run_oracle
from tflm_gen.tflm.op_table import load_op_table
from tflm_gen.vectors import make_vectors

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.hostcc, pytest.mark.oracle]

API = resources.firmware_templates_dir() / "tflm_api" / "wheel"
# MicroInterpreter of the wheel: its context begins at 0x88 and is 0x68 bytes long.
INTERPRETER_BYTES = 240
ARENA_BYTES = 1 << 20
FLAGS = [
    "-std=c++17",
    "-O1",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wconversion",
    "-Wshadow",
    "-Wundef",
]
FLAGS += ["-fno-exceptions", "-fno-rtti", "-fPIE", "-pie"]  # PIE: functions have one address.


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the check program printed, by the first word of a line."""

    lines: dict[str, list[list[str]]]
    returncode: int

    def one(self, word: str) -> list[str]:
        """The words behind a line that appears once."""
        (line,) = self.lines[word]
        return line


def compile_check(source: Path, api: Path, folder: Path) -> Path:
    """Link the check program with the wheel; the path of the program."""
    stubs = folder / "stubs.cc"
    check(
        "cmake",
        f"-DTFLM_WHEEL_SO={wheel_library()}",
        f"-DOUTPUT={stubs}",
        "-P",
        API / "python_stubs.cmake",
    )
    program = folder / "wheel_api_check"
    check("g++", *FLAGS, f"-I{api}", source, stubs, wheel_library(), "-o", program)
    return program


def ask(program: Path, *arguments: str | Path) -> Said:
    result = run(program, *arguments)
    lines: dict[str, list[list[str]]] = defaultdict(list)
    for line in result.stdout.splitlines():
        word, *rest = line.split(" ")
        lines[word].append(rest)
    return Said(lines=lines, returncode=result.returncode)


@pytest.fixture(scope="module")
def source(request: pytest.FixtureRequest) -> Path:
    return request.path.parent / "host_port" / "wheel_api_check.cc"


@pytest.fixture(scope="module")
def program(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_check(source, API, tmp_path_factory.mktemp("wheel_api"))


@pytest.fixture(scope="module")
def said(program: Path) -> Said:
    return ask(program)


def wrong_operators(said: Said) -> set[str]:
    lines = said.lines["builtin"] + said.lines["custom"]
    return {name for name, same in lines if same != "1"}


def test_every_declared_operator_is_what_the_wheel_registers(said: Said) -> None:
    assert said.returncode == 0
    assert wrong_operators(said) == set()


def test_no_builtin_operator_of_the_wheel_is_left_out(said: Said) -> None:
    assert int(said.one("wheel_builtins")[0]) == len(said.lines["builtin"]) == 100


def test_list_of_operators_is_that_of_the_operator_table(said: Said) -> None:
    declared = {name for name, _ in said.lines["builtin"]}
    declared |= {f"CUSTOM:{name}" for name, _ in said.lines["custom"]}
    # The driver is not in the wheel: there is a method, but it registers nothing.
    assert declared == set(load_op_table("wheel").ops) - {"CUSTOM:ethos-u"}


def test_methods_of_the_operator_table_exist() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in API.glob("*"))
    methods = set(re.findall(r"\b(Add[A-Z]\w+)", text))
    assert {entry.add_method for entry in load_op_table("wheel").ops.values()} <= methods


def test_a_resolver_takes_each_operator_once_and_no_more_than_it_holds(
    program: Path, tmp_path: Path
) -> None:
    said = run_model(program, ZOO["mlp"](), tmp_path)
    assert len(said.lines["add"]) == 118
    assert {tuple(results) for _, *results in said.lines["add"]} == {("0", "1")}
    assert said.one("capacity") == ["0", "1", "1"]


def test_type_numbers_have_the_names_that_the_wheel_gives_them(said: Said) -> None:
    text = (API / "wheel_c_types.h").read_text(encoding="utf-8")
    enum = text.split("enum TfLiteType {")[1].split("}")[0]
    declared = {number: name.upper() for name, number in re.findall(r"kTfLite(\w+) = (\d+)", enum)}
    assert declared == {number: name for number, name in said.lines["type"]}


def test_interpreter_has_the_declared_size(program: Path, tmp_path: Path) -> None:
    said = run_model(program, ZOO["cnn_1d"](), tmp_path)
    assert said.one("size") == [str(INTERPRETER_BYTES)]
    assert said.one("touched") == [str(INTERPRETER_BYTES)]
    assert said.one("initialized") == ["0"]
    assert said.one("allocate_second") == ["0"]


def run_model(program: Path, flatbuffer: bytes, folder: Path) -> Said:
    """Run a model on the vector ``random_inputs`` in the check program."""
    model_path, input_path = folder / "model.tflite", folder / "inputs.bin"
    model_path.write_bytes(flatbuffer)
    input_path.write_bytes(b"".join(random_inputs(flatbuffer)))
    return ask(program, model_path, input_path, str(ARENA_BYTES))


def random_inputs(flatbuffer: bytes) -> tuple[bytes, ...]:
    model = parse_model(flatbuffer, "model.tflite")
    return make_vectors(model.inputs, count=32, seed=7)[-1].inputs


@pytest.mark.parametrize("name", sorted(ZOO))
def test_results_and_descriptions_of_a_model_are_right(
    name: str, program: Path, tmp_path: Path
) -> None:
    flatbuffer = ZOO[name]()
    model = parse_model(flatbuffer, f"{name}.tflite")
    said = run_model(program, flatbuffer, tmp_path)
    assert said.one("allocate") == ["0"]
    assert said.one("invoke") == ["0"]
    assert said.one("counts") == [str(len(model.inputs)), str(len(model.outputs))]
    for words, tensor in zip(said.lines["tensor"], (*model.inputs, *model.outputs), strict=True):
        facts = dict(zip(words[2:14:2], words[3:15:2], strict=True))
        assert facts["type"] == tensor.dtype.upper()
        assert tuple(int(word) for word in words[words.index("dims") + 1 :]) == tensor.shape
        quantization = tensor.quantization
        scale, zero = (
            (quantization.scales[0], quantization.zero_points[0]) if quantization else (0.0, 0)
        )
        assert float(facts["scale"]) == pytest.approx(scale, rel=1e-7)
        assert int(facts["zero"]) == zero
    vectors = make_vectors(model.inputs, count=32, seed=7)[-1:]
    assert (
        tuple(bytes.fromhex(words[0]) for words in said.lines["bytes"])
        == (run_oracle(flatbuffer, vectors).outputs[0])
    )


def test_profiler_interface_is_called_for_each_operator_in_order(
    program: Path, tmp_path: Path
) -> None:
    flatbuffer = ZOO["ds_cnn"]()
    said = run_model(program, flatbuffer, tmp_path)
    model = parse_model(flatbuffer, "model.tflite")
    assert [words[1] for words in said.lines["begin"]] == [
        operator.op for operator in model.main.operators
    ]
    # EndEvent() gets back what BeginEvent() returned.
    assert [words[0] for words in said.lines["begin"]] == [words[0] for words in said.lines["end"]]


def virtual_table(path: Path, table_name: str) -> list[str]:
    """Names of the functions in a virtual table, in order, classes left out."""
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        elf = ELFFile(file)
        tables = [t for t in map(elf.get_section_by_name, (".dynsym", ".symtab")) if t]
        symbols = {s.name: s.entry for table in tables for s in table.iter_symbols()}
        names = {
            entry.st_value: name
            for name, entry in symbols.items()
            if entry.st_info.type == "STT_FUNC"
        }
        table = symbols[table_name]
        # Slots are filled in when the program is loaded: the relocations say with what.
        filled = {
            relocation["r_offset"]: relocation["r_addend"]
            for relocation in elf.get_section_by_name(".rela.dyn").iter_relocations()
        }
    first = table.st_value + 2 * 8  # Behind the offset to the top and the type information.
    slots = range(first, table.st_value + table.st_size, 8)
    return [without_class(names[filled[slot]]) for slot in slots]


def without_class(name: str) -> str:
    """``_ZNK6tflite5micro...E6FindOpEPKc`` -> ``FindOpEPKc``; destructors by their kind."""
    found = re.search(r"E?(?:6(FindOp.*)|15(GetOpDataParser.*)|(D[012])Ev)$", name)
    assert found is not None, name
    return next(group for group in found.groups() if group)


def test_virtual_functions_of_the_resolver_are_in_the_wheels_order(program: Path) -> None:
    wheels = virtual_table(wheel_library(), "_ZTVN6tflite17PythonOpsResolverE")
    ours = virtual_table(program, "_ZTVN6tflite5micro22MicroMutableOpResolverILj128EEE")
    assert ours == wheels
    assert len(wheels) == 5


def test_every_python_symbol_of_the_wheel_has_a_stub(program: Path) -> None:
    def names(*options: str, path: Path) -> set[str]:
        lines = check("nm", "--dynamic", *options, path).splitlines()
        return {line.split()[-1] for line in lines if re.search(r" _?Py\w+$", line)}

    wanted = names("--undefined-only", path=wheel_library())
    assert len(wanted) >= 145
    assert names("--defined-only", path=program) == wanted


def test_a_python_function_ends_the_program_with_its_name(program: Path) -> None:
    said = ask(program, "python")
    assert said.returncode == -signal.SIGABRT
    assert said.one("stub") == ["PyErr_Print"]


def broken_copy(folder: Path, name: str, old: str, new: str) -> Path:
    """A copy of the declarations with one of them changed."""
    for path in API.iterdir():
        text = path.read_text(encoding="utf-8")
        if path.name == name:
            assert old in text
            text = text.replace(old, new, 1)
        (folder / path.name).write_text(text, encoding="utf-8")
    return folder


def test_a_wrong_order_of_virtual_functions_is_noticed(source: Path, tmp_path: Path) -> None:
    by_code = "  virtual const TFLMRegistration* FindOp(BuiltinOperator op) const = 0;\n"
    by_name = "  virtual const TFLMRegistration* FindOp(const char* custom_name) const = 0;\n"
    api = broken_copy(tmp_path, "wheel_op_resolver.h", by_code + by_name, by_name + by_code)
    said = ask(compile_check(source, api, tmp_path))
    assert said.returncode != 0 or wrong_operators(said)


def test_a_wrong_operator_code_is_noticed(source: Path, tmp_path: Path) -> None:
    api = broken_copy(tmp_path, "ops_wheel.inc", "ABS, 101,", "ABS, 103,")
    assert wrong_operators(ask(compile_check(source, api, tmp_path))) == {"ABS"}


def test_declarations_refuse_to_meet_the_real_headers(source: Path, tmp_path: Path) -> None:
    guard = "-DTENSORFLOW_LITE_MICRO_C_COMMON_H_"
    result = run("g++", *FLAGS, guard, f"-I{API}", "-c", source, "-o", tmp_path / "never.o")
    assert result.returncode != 0
    assert "use tflm_api/upstream instead" in result.stderr
