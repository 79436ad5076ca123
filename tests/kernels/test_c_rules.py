"""What the kernels and the generated C keep to: warnings, stack, recursion, float, heap, MISRA C."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernels.batch import KERNELS
from tests.kernels.machines import WARNINGS
from tests.support.requirements import require
from tflm_gen.compiled.generate import compile_model
from tflm_gen.compiled.ir import Target
from tflm_gen.model.reader import read_model

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "ecg" / "ecg.tflite"
SOURCES = sorted((KERNELS / "src").glob("*.c"))
# Soft float, so that floating point is a call that the symbols show; Helium needs the registers.
CORES = {
    "_mve": ("-mcpu=cortex-m55", "-mfloat-abi=hard"),
    "": ("-mcpu=cortex-m4", "-mfloat-abi=soft"),
}
STRICT = (
    *WARNINGS,
    *("-pedantic", "-Wsign-conversion", "-Wvla", "-Wstrict-prototypes", "-Wmissing-prototypes"),
    *("-Wcast-qual", "-Wdouble-promotion", "-Wfloat-conversion", "-Wswitch-default"),
    *("-Wimplicit-fallthrough", "-Wstack-usage=512"),
)
# The only functions of a library that a kernel or a model may call.
LIBRARY = {"memcpy", "memset", "memmove"}
# Their work is on real numbers.
FLOAT_KERNELS = {"quantize.c"}
MOST_STACK_BYTES = 1024


def compile_c(source: Path, include: Path, folder: Path, *flags: str) -> Path:
    """An object, strictly."""
    core = CORES["_mve" if source.stem.endswith("_mve") or "-mve" in folder.name else ""]
    target = folder / f"{source.stem}.o"
    command = ["arm-none-eabi-gcc", "-std=c11", "-mthumb", "-O2", *core, *STRICT, *flags]
    command += [f"-I{include}", f"-I{folder}", "-c", str(source), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]
    return target


def undefined_symbols(objects: list[Path]) -> set[str]:
    """What the objects want of others."""
    command = ["arm-none-eabi-nm", *map(str, objects)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wanted = set(re.findall(r"^ +U (\S+)$", listing, re.MULTILINE))
    return wanted - set(re.findall(r"^[0-9a-f]+ [A-TV-Z] (\S+)$", listing, re.MULTILINE))


def compiled_objects(folder: Path, target: Target, *flags: str) -> list[Path]:
    """The example for an instruction set: generated code and its kernels as objects."""
    compiled = compile_model(read_model(EXAMPLE), target)
    for path, data in compiled.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    include = folder / "include"
    return [compile_c(folder / name, include, folder, *flags) for name in compiled.sources]


@pytest.mark.cross
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_kernels_are_strict_and_call_nothing_but_their_own(source: Path, tmp_path: Path) -> None:
    wanted = undefined_symbols([compile_c(source, KERNELS / "include", tmp_path)])
    arithmetic = {name for name in wanted if re.match(r"__aeabi_[fd]|__aeabi_.*2[fd]$", name)}
    # 64-bit multiplication and shifts of the portable kernels.
    integers = {name for name in wanted if re.match(r"__aeabi_l(mul|asr|lsl|lsr|divmod)$", name)}
    integers |= {name for name in wanted if re.match(r"__aeabi_u?(l|i)div(mod)?$", name)}
    assert wanted - arithmetic - integers <= LIBRARY
    # The one kernel with floating point shows that it would be seen.
    assert bool(arithmetic) == (source.name in FLOAT_KERNELS)


@pytest.mark.cross
@pytest.mark.parametrize("target", [Target.PORTABLE, Target.DSP])
def test_an_int8_model_has_no_float_and_no_heap(target: Target, tmp_path: Path) -> None:
    wanted = undefined_symbols(compiled_objects(tmp_path, target))
    assert wanted <= LIBRARY | {"__aeabi_idiv", "__aeabi_lmul"}


# --- recursion and stack ------------------------------------------------------------------------


class CallGraph:
    """GCC's call graph of some objects, with the stack of each function."""

    def __init__(self, files: list[Path]) -> None:
        self.stack: dict[str, int] = {}
        self.calls: dict[str, set[str]] = {}
        self.is_bounded = True
        for path in files:
            self._read(path.read_text())
        # A call through a pointer may reach any function that nobody calls by name.
        called = set().union(*self.calls.values())
        self.calls["__indirect_call"] = {n for n in self.stack if n not in called and ":" in n}

    def _read(self, text: str) -> None:
        for name, label in re.findall(r'node: \{ title: "(.+?)" label: "(.+?)"', text):
            found = re.search(r"(\d+) bytes \((.+?)\)", label)
            if found:
                self.stack[name] = int(found[1])
                self.is_bounded &= found[2] == "static"
        for caller, callee in re.findall(r'sourcename: "(.+?)" targetname: "(.+?)"', text):
            self.calls.setdefault(caller, set()).add(callee)

    def depth(self, name: str, path: tuple[str, ...] = ()) -> int:
        """Stack of a function and all below it; a cycle is an error."""
        assert name not in path, f"recursion: {' -> '.join((*path, name))}"
        below = (self.depth(callee, (*path, name)) for callee in self.calls.get(name, ()))
        return self.stack.get(name, 0) + max(below, default=0)


def graphs(folder: Path) -> Iterator[tuple[Target, CallGraph]]:
    for target in Target:
        place = folder / f"for-{target.value}"
        place.mkdir()
        compiled_objects(place, target, "-fcallgraph-info=su")
        yield target, CallGraph(sorted(place.glob("*.ci")))


@pytest.mark.cross
def test_no_recursion_and_a_known_stack(tmp_path: Path) -> None:
    for target, graph in graphs(tmp_path):
        assert graph.is_bounded, target
        assert 0 < graph.depth("compiled_model_invoke") <= MOST_STACK_BYTES, target


@pytest.mark.cross
def test_recursion_would_be_found(tmp_path: Path) -> None:
    source = tmp_path / "loops.c"
    source.write_text(
        "int even(int n);\nint odd(int n);\nextern int seen;\n"
        "__attribute__((noinline)) int odd(int n) { return n == 0 ? 0 : even(n - 1) + seen; }\n"
        "__attribute__((noinline)) int even(int n) { return n == 0 ? 1 : odd(n - 1) + seen; }\n"
    )
    compile_c(source, KERNELS / "include", tmp_path, "-fcallgraph-info=su")
    graph = CallGraph([tmp_path / "loops.ci"])
    with pytest.raises(AssertionError, match="recursion: "):
        graph.depth("even")


# --- MISRA C:2012 -------------------------------------------------------------------------------

# Rules that cppcheck's addon finds broken; docs/compiled.md gives the reasons. No other may be.
DEVIATIONS = {
    *("2.2", "2.5", "2.7", "5.9", "8.7", "8.9", "9.3", "10.1", "10.3", "10.4", "10.6", "10.8"),
    *("11.3", "11.5", "11.8", "12.1", "13.3", "15.5", "15.7", "17.8", "18.4", "21.15"),
}


def broken_rules(folder: Path, *paths: str) -> set[str]:
    command = ["cppcheck", "--enable=style", "--addon=misra", "--std=c11", "-q", "-Iinclude", "-I."]
    command += ["--template={id}", "--suppress=missingIncludeSystem", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    return set(re.findall(r"^misra-c2012-([\d.]+)$", done.stderr, re.MULTILINE))


def test_misra_deviations_are_the_documented_ones(tmp_path: Path) -> None:
    require("cppcheck")
    compiled = compile_model(read_model(EXAMPLE), Target.DSP)
    for path, data in compiled.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    for source in SOURCES:
        (tmp_path / "src" / source.name).write_bytes(source.read_bytes())
    found = broken_rules(tmp_path, "src", "model.c")
    assert found
    assert found <= DEVIATIONS
    documented = (ROOT / "docs" / "compiled.md").read_text()
    table = set(re.findall(r"\b(\d+\.\d+)\b", documented.split("## MISRA C")[1].split("\n## ")[0]))
    assert table == DEVIATIONS


def test_another_rule_would_be_found(tmp_path: Path) -> None:
    require("cppcheck")
    text = "int f(int n);\nint f(int n) {\n  if (n > 0) { goto end; }\n  n = 1;\nend:\n  return n;\n}\n"
    (tmp_path / "model.c").write_text(text)
    assert broken_rules(tmp_path, "model.c") - DEVIATIONS
