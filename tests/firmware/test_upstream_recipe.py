"""The build recipe for upstream TFLM: against a listing of upstream's files, and as CMake reads it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.cortex_m4 import M4Project, compiled_files, write_tflm_shape
from tests.support.programs import run
from tflm_gen.errors import UnsupportedOperatorError
from tflm_gen.tflm.op_table import load_op_table
from tflm_gen.tflm.upstream import recipe as recipe_module
from tflm_gen.tflm.upstream.recipe import CMSIS_NN, REFERENCE, kernel_sources, load_recipe

KERNELS = "tensorflow/lite/micro/kernels"
LISTING = json.loads(
    (Path(recipe_module.__file__).parent / "listing.json").read_text(encoding="utf-8")
)
LISTED = {path for group in LISTING["files"] for path in group["paths"]}
WHEEL_OBJECTS = set(LISTING["wheel_objects"]["names"])


def all_sources() -> set[str]:
    recipe = load_recipe()
    found = {*recipe.base, *recipe.shared_kernels}
    for entry in recipe.operators.values():
        found |= {*entry.reference, *entry.cmsis_nn}
    return found


def test_every_source_is_listed() -> None:
    assert len(all_sources()) > 130
    assert all_sources() <= LISTED


def test_every_folder_of_cmsis_nn_is_listed() -> None:
    entries = load_recipe().operators.values()
    named = {folder for entry in entries for folder in entry.cmsis_nn_folders}
    assert len(named) > 8
    assert named <= set(LISTING["cmsis_nn_folders"]["names"])
    assert all(bool(entry.cmsis_nn) == bool(entry.cmsis_nn_folders) for entry in entries)


def test_every_reference_source_is_an_object_of_the_wheel() -> None:
    """The wheel was built from the very commit the recipe is for."""
    recipe = load_recipe()
    portable = {source for source in all_sources() if "/cmsis_nn/" not in source}
    missing = {source for source in portable if Path(source).name not in WHEEL_OBJECTS}
    assert missing == set(), recipe.tflm_commit


@pytest.mark.oracle
def test_listing_has_the_wheel_s_objects() -> None:
    from elftools.elf.elffile import ELFFile

    from tflm_gen.tflm.sources import find_wheel_library

    library = find_wheel_library()
    assert library is not None
    with library.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".symtab")
        names = {
            symbol.name
            for symbol in section.iter_symbols()
            if symbol["st_info"]["type"] == "STT_FILE" and symbol.name.endswith(".cc")
        }
    assert names == WHEEL_OBJECTS


def test_every_operator_of_upstream_is_answered() -> None:
    recipe = load_recipe()
    table = set(load_op_table("upstream").ops)
    assert table == set(recipe.operators) | set(recipe.unsupported)
    assert not set(recipe.operators) & set(recipe.unsupported)
    assert all(recipe.unsupported.values())


@pytest.mark.parametrize("kernels", [REFERENCE, CMSIS_NN])
def test_no_operator_comes_from_both_libraries(kernels: str) -> None:
    sources = kernel_sources(load_recipe().operators, kernels=kernels)
    assert len(sources) == len(set(sources))
    names = [Path(source).name for source in sources]
    assert len(names) == len(set(names))


def test_cmsis_nn_kernels_replace_the_reference_ones() -> None:
    sources = kernel_sources(["CONV_2D", "RESHAPE"], kernels=CMSIS_NN)
    assert f"{KERNELS}/cmsis_nn/conv.cc" in sources
    assert f"{KERNELS}/conv.cc" not in sources
    assert f"{KERNELS}/conv_common.cc" in sources
    assert f"{KERNELS}/reshape.cc" in sources


def test_unsupported_operator_says_why() -> None:
    with pytest.raises(UnsupportedOperatorError, match="Ethos-U"):
        kernel_sources(["CUSTOM:ethos-u"], kernels=REFERENCE)
    with pytest.raises(UnsupportedOperatorError, match="no sources"):
        kernel_sources(["NO_SUCH_OP"], kernels=REFERENCE)


def test_third_party_parts_name_full_revisions() -> None:
    for part in load_recipe().third_party:
        assert re.fullmatch(r"[0-9a-f]{40}|v\d+(\.\d+)+", part.revision), part


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tflm_shape(tmp_path_factory.mktemp("tree") / "tflm")


@pytest.mark.cross
@pytest.mark.parametrize("kernels", [REFERENCE, CMSIS_NN])
def test_cmake_compiles_what_the_recipe_says(tree: Path, tmp_path: Path, kernels: str) -> None:
    ops = ("CONV_2D", "FULLY_CONNECTED", "MEAN", "SOFTMAX")
    project = M4Project(root=tmp_path / "p", engine="tflm").write(kernels=kernels, ops=ops)
    files = compiled_files(project.configure(tflm_dir=tree), tree)
    compiled = {path for path in files if path.startswith("tensorflow/")}
    assert {
        path for path in compiled if path.startswith(f"{KERNELS}/") and "internal" not in path
    } == {*kernel_sources(ops, kernels=kernels)}
    assert {*load_recipe().base} <= compiled
    nn_folders = {path.split("/")[3] for path in files if "cmsis_nn/Source" in path}
    expected = {
        folder
        for op in ops
        if kernels == CMSIS_NN
        for folder in load_recipe().operators[op].cmsis_nn_folders
    }
    assert nn_folders == expected


@pytest.mark.cross
def test_cmake_flags(tree: Path, tmp_path: Path) -> None:
    ops = ("CONV_2D", "SOFTMAX")
    project = M4Project(root=tmp_path / "p", engine="tflm").write(kernels=CMSIS_NN, ops=ops)
    build = project.configure(tflm_dir=tree)
    files = compiled_files(build, tree)
    kernel = files[f"{KERNELS}/cmsis_nn/conv.cc"]
    interpreter = files["tensorflow/lite/micro/micro_allocator.cc"]
    cmsis = next(command for path, command in files.items() if "cmsis_nn/Source" in path)
    for command, level in ((kernel, "-O2"), (interpreter, "-Os"), (cmsis, "-O3")):
        words = command.split()
        assert [word for word in words if word.startswith("-O")] == [level]
        assert {"-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-DCMSIS_NN"} <= set(words)
        assert "-DTF_LITE_STATIC_MEMORY" in words
        assert "-Werror" not in words
    ours = compiled_files(build, project.root)["engine/tflm/inference_tflm.cc"].split()
    assert {"-DTF_LITE_STATIC_MEMORY", "-Werror"} <= set(ours)


@pytest.mark.cross
@pytest.mark.parametrize(
    ("remove", "kernels", "says"),
    [
        (f"{KERNELS}/cmsis_nn/conv.cc", CMSIS_NN, "has no .*cmsis_nn/conv.cc"),
        ("third_party_deps/cmsis_nn/Include", CMSIS_NN, "lacks cmsis_nn"),
        ("third_party_deps/flatbuffers/include", REFERENCE, "lacks flatbuffers"),
        ("tensorflow/lite/micro/micro_interpreter.h", REFERENCE, "holds no"),
    ],
)
def test_incomplete_tree_is_named(tmp_path: Path, remove: str, kernels: str, says: str) -> None:
    import shutil

    tree = write_tflm_shape(tmp_path / "tflm")
    path = tree / remove
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    project = M4Project(root=tmp_path / "p", engine="tflm").write(kernels=kernels, ops=("CONV_2D",))
    build = project.folder(is_twin=False) / "build"
    result = run("cmake", "-S", project.root, "-B", build, "-G", "Ninja", f"-DTFLM_DIR={tree}")
    assert result.returncode != 0
    assert re.search(says, re.sub(r"\s+", " ", result.stderr))


@pytest.mark.cross
def test_upstream_s_own_downloads_are_found(tmp_path: Path) -> None:
    tree = write_tflm_shape(tmp_path / "tflm")
    downloads = tree / "tensorflow" / "lite" / "micro" / "tools" / "make" / "downloads"
    downloads.parent.mkdir(parents=True)
    (tree / "third_party_deps").rename(downloads)
    project = M4Project(root=tmp_path / "p", engine="tflm").write(
        kernels=CMSIS_NN, ops=("CONV_2D",)
    )
    files = compiled_files(project.configure(tflm_dir=tree), tree)
    place = downloads.relative_to(tree).as_posix()
    assert any(path.startswith(f"{place}/cmsis_nn/Source/") for path in files)
    interpreter = files["tensorflow/lite/micro/micro_interpreter.cc"]
    assert f"{place}/flatbuffers/include" in interpreter


@pytest.mark.cross
def test_third_party_is_not_needed_for_reference_kernels(tmp_path: Path) -> None:
    import shutil

    tree = write_tflm_shape(tmp_path / "tflm")
    for name in ("cmsis", "cmsis_nn", "gemmlowp", "ruy"):
        shutil.rmtree(tree / "third_party_deps" / name)
    project = M4Project(root=tmp_path / "p", engine="tflm").write(
        kernels=REFERENCE, ops=("CONV_2D",)
    )
    project.configure(tflm_dir=tree)


def files_without(op: str, gone: str | None) -> set[str]:
    """Names of the files that a build of one operator has, or of all but one of them."""
    recipe = load_recipe()
    own = (path for path in recipe.operators[op].reference if path != gone)
    extra = {"decompress.cc", "decompress_common.cc", "micro_tensor_utils.cc", "debug_log.cc"}
    return {Path(path).name for path in (*own, *recipe.base, *recipe.shared_kernels)} | extra


def lacking(op: str, gone: str | None = None) -> list[str]:
    """Functions that an operator's kernel reaches in the wheel, from no file that its build has."""
    from tests.support.wheel_call_graph import functions, reached, registrations

    known = functions()
    has = files_without(op, gone)
    start = registrations()[load_op_table("upstream").ops[op].register]
    needed = (known[address] for address in reached(start))
    return [each.name for each in needed if not each.is_weak and not each.files & has]


@pytest.mark.oracle
@pytest.mark.hostcc
def test_the_pinned_commit_itself_needs_no_file_that_an_operator_lacks() -> None:
    """The wheel is that commit, compiled: what its kernels reach is in the recipe's files."""
    operators = load_recipe().operators
    assert len(operators) > 100
    assert {op: names for op in operators if (names := lacking(op))} == {}
    # The check sees nearly every file that one would forget.
    forgotten = [(op, path) for op, entry in operators.items() for path in entry.reference]
    noticed = [op for op, path in forgotten if lacking(op, path)]
    assert len(noticed) > 0.9 * len(forgotten)


@pytest.mark.cross
@pytest.mark.slow
@pytest.mark.debug_image
def test_image_agrees_on_which_file_registers_an_operator() -> None:
    """Arm's debug image names the file of every registration it has."""
    from tests.support.tflm_call_graph import registration_files

    recipe = load_recipe()
    table = load_op_table("upstream").ops
    checked = 0
    for function, path in registration_files().items():
        ops = [op for op, entry in table.items() if entry.register == function]
        for op in ops:
            if op in recipe.operators:
                entry = recipe.operators[op]
                assert path in {*entry.reference, *entry.cmsis_nn}, op
                checked += 1
    assert checked > 85


@pytest.mark.cross
@pytest.mark.slow
@pytest.mark.debug_image
def test_image_agrees_on_what_a_kernel_calls() -> None:
    """Every kernel file that a kernel calls into is in the recipe beside it."""
    from tests.support.tflm_call_graph import kernel_calls

    shared = set(load_recipe().shared_kernels)
    calls = kernel_calls()
    for op, entry in load_recipe().operators.items():
        for sources in (entry.reference, entry.cmsis_nn):
            needed = {callee for source in sources for callee in calls.get(source, ())}
            assert needed - shared <= set(sources), op


@pytest.mark.cross
@pytest.mark.slow
@pytest.mark.debug_image
def test_image_agrees_on_the_folders_of_cmsis_nn_that_a_kernel_needs() -> None:
    """A folder too few would not link; the image has the calls of CMSIS-NN among themselves too."""
    from tests.support.tflm_call_graph import cmsis_nn_folders

    checked = 0
    for op, entry in load_recipe().operators.items():
        needed = {folder for source in entry.cmsis_nn for folder in cmsis_nn_folders(source)}
        assert needed <= set(entry.cmsis_nn_folders), op
        checked += bool(needed)
    assert checked > 12
