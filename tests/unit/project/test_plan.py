from __future__ import annotations

import dataclasses
import re
from pathlib import PurePosixPath

import pytest

from tests.support.projects import dense_model, golden_for, spec_for
from tflm_gen import resources
from tflm_gen.errors import UnsupportedModelError
from tflm_gen.model.records import Model
from tflm_gen.project.plan import GoldenVector, io_bytes, plan_project, sources_digest


def text_of(project, name: str) -> str:
    return project.files[PurePosixPath(name)].decode()


def plan(spec, arena_bytes: int = 4096):
    return plan_project(spec, arena_bytes=arena_bytes, arena_basis="x")


def test_equal_specs_give_equal_bytes() -> None:
    first, second = plan(spec_for("corstone300")), plan(spec_for("corstone300"))
    assert first.files == second.files
    assert sources_digest(first) == sources_digest(second)


@pytest.mark.parametrize(
    "change",
    [
        {"model": dense_model("other.tflite")},
        {"kernels": "reference"},
        {"allow_fault_injection": True},
        {"golden": GoldenVector(inputs=(b"",), outputs=(b"abc",), oracle="x")},
    ],
    ids=["model name", "kernels", "fault injection", "golden vector"],
)
def test_every_choice_changes_the_digest(change: dict[str, object]) -> None:
    base = spec_for("corstone300")
    changed = plan(dataclasses.replace(base, **change))
    assert sources_digest(plan(base)) != sources_digest(changed)


def test_only_one_file_changes_with_the_arena() -> None:
    spec = spec_for("corstone300")
    before, after = plan(spec, 4096).files, plan(spec, 8192).files
    changed = {str(path) for path in before if before[path] != after[path]}
    assert changed == {"generated/arena_config.h"}


def test_no_time_and_no_place_of_this_machine_is_in_the_files() -> None:
    root = str(resources.data_root()).encode()
    for path, data in plan(spec_for("corstone300")).files.items():
        assert root not in data, path
        assert not re.search(rb"\b20\d\d-\d\d-\d\d\b", data) or path.name == "model.tflite", path


def test_resolver_has_each_operator_once_with_its_method() -> None:
    text = text_of(plan(spec_for("corstone300")), "generated/op_resolver.h")
    assert re.findall(r"resolver\.(\w+)\(\)", text) == ["AddFullyConnected", "AddSoftmax"]
    assert "kOpCount = 2;" in text
    assert "static_assert" in text


def test_config_has_the_sizes_of_the_model() -> None:
    model = dense_model("wide.tflite", n_inputs=17, n_outputs=2)
    text = text_of(plan(spec_for("corstone300", model)), "generated/app_config.h")
    assert "kInputBytes = 32;" in text
    assert "kMaxOps = 2;" in text
    assert 'kModelName[] = "wide"' in text
    assert "kAllowFaultInjection = false;" in text


def test_vector_without_oracle_is_empty_but_counted() -> None:
    model = dense_model()
    golden = dataclasses.replace(golden_for(model), outputs=None, oracle="no oracle")
    project = plan(spec_for("host", golden=golden))
    assert "kTestInputCount = 1;" in text_of(project, "generated/test_vector.h")
    assert "kTestOutputCount = 1;" in text_of(project, "generated/test_vector.h")
    source = text_of(project, "generated/test_vector.cc")
    for tensor in (*model.inputs, *model.outputs):
        assert f"{{nullptr, {io_bytes(tensor)}}}" in source
    assert "0x" not in source


def test_needed_ports_come_along() -> None:
    names = {str(path) for path in plan(spec_for("nrf52840")).files}
    assert any(name.startswith("port/nrf52/") for name in names)
    needs = resources.firmware_templates_dir() / "port/nrf52/needs.txt"
    for family in needs.read_text().split():
        assert any(name.startswith(f"port/{family}/") for name in names), family
    assert not any(name.endswith("needs.txt") for name in names)


def test_input_without_a_fixed_size_is_refused() -> None:
    model = dense_model()
    main = model.main
    tensors = tuple(
        dataclasses.replace(tensor, dtype="string") if tensor.index in main.inputs else tensor
        for tensor in main.tensors
    )
    broken: Model = dataclasses.replace(
        model, subgraphs=(dataclasses.replace(main, tensors=tensors),)
    )
    with pytest.raises(UnsupportedModelError, match="type string, which has no fixed size"):
        plan(spec_for("host", broken, golden=golden_for(model)))
