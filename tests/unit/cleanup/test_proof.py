"""A clean-up is not believed: wrong steps are undone and named, and nothing else is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.graph_builder import GraphBuilder, per_tensor
from tests.support.model_builder import ModelBuilder
from tests.support.rough_models import ROUGH, wrong_reshape
from tests.support.stateful_model import streaming_svdf
from tests.support.zoo import ZOO
from tflm_gen.cleanup import cleaner
from tflm_gen.cleanup.cleaner import clean_model
from tflm_gen.cleanup.draft import Draft
from tflm_gen.cleanup.passes import PASSES
from tflm_gen.cleanup.records import Change, Cleaning, Pass, edit_main
from tflm_gen.model.reader import parse_model
from tflm_gen.model.records import Model
from tflm_gen.oracle import tflite
from tflm_gen.oracle.client import run_oracle
from tflm_gen.vectors import make_vectors

pytestmark = pytest.mark.oracle


def model_of(data: bytes) -> Model:
    return parse_model(data, "m.tflite")


def clean(data: bytes, passes: tuple[Pass, ...] = PASSES) -> Cleaning:
    return clean_model(model_of(data), passes=passes, use_cache=False)


def insert_at(position: int, wrong: Pass) -> tuple[Pass, ...]:
    return (*PASSES[:position], wrong, *PASSES[position:])


def _spoil_weights(draft: Draft) -> Change | None:
    """No weights in the first convolution: a valid model, a wrong one, and the same at once."""
    conv = next(operator for operator in draft.operators if operator.op == "CONV_2D")
    weights = draft.tensors[conv.inputs[1]]
    data = bytes(len(weights.data))
    if weights.data == data:
        return None
    draft.tensors[conv.inputs[1]] = replace(weights, data=data)
    return Change(detail="weights spoiled")


def _swap_output(draft: Draft) -> Change | None:
    """A graph that no interpreter should see: the output has no source."""
    draft.operators = draft.operators[:-1]
    return Change(detail="the last operator dropped")


def _stumble(draft: Draft) -> Change | None:
    raise KeyError(len(draft.operators))


WRONG = edit_main(_spoil_weights)
FIRST_TIDY = next(i for i, entry in enumerate(PASSES) if not entry.is_repair)


@pytest.mark.parametrize("position", [FIRST_TIDY, FIRST_TIDY + 1, len(PASSES)])
def test_a_wrong_step_is_undone_and_named_and_the_others_stay(position: int) -> None:
    data = ZOO["cnn_1d_open_batch"]()
    cleaning = clean(data, insert_at(position, Pass(name="wrong", run=WRONG)))
    assert [step.name for step in cleaning.undone] == ["wrong"]
    assert "other bytes for" in cleaning.undone[0].reason
    assert cleaning.cleaned.flatbuffer == clean(data).cleaned.flatbuffer
    assert "wrong" not in [step.name for step in cleaning.steps]


@pytest.mark.parametrize("position", [0, 1, FIRST_TIDY])
def test_a_wrong_repair_is_undone_too(position: int) -> None:
    data = ZOO["cnn_1d_open_batch"]()
    wrong = Pass(name="wrong", run=WRONG, is_repair=True)
    cleaning = clean(data, insert_at(position, wrong))
    assert [step.name for step in cleaning.undone] == ["wrong"]
    assert cleaning.cleaned.flatbuffer == clean(data).cleaned.flatbuffer


def test_a_wrong_step_behind_a_true_repair_is_found() -> None:
    data = ROUGH["open_batch_tcn"]()
    cleaning = clean(data, insert_at(FIRST_TIDY, Pass(name="wrong", run=WRONG)))
    assert [step.name for step in cleaning.undone] == ["wrong"]
    assert cleaning.cleaned.flatbuffer == clean(data).cleaned.flatbuffer


def test_a_claim_that_does_not_hold_undoes_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    # With TFLite at hand, the original itself is the judge and no claim is needed.
    monkeypatch.setattr(tflite, "_PACKAGES", ())
    tile = next(entry for entry in PASSES if entry.name == "tile")

    def lying(document: object) -> object:
        result = tile.run(document)
        if result is None:
            return None
        claims = tuple(
            replace(claim, reference=lambda vectors: tuple((b"",) for _ in vectors))
            for claim in result[1].claims
        )
        return result[0], replace(result[1], claims=claims)

    passes = tuple(replace(e, run=lying) if e is tile else e for e in PASSES)
    cleaning = clean(ROUGH["upsampling"](), passes)
    reasons = {step.name: step.reason for step in cleaning.undone}
    if cleaning.is_changed:
        pytest.fail("a step without proof was kept")
    assert "a part gives other bytes" in reasons["tile"] or "TFLM runs neither" in reasons["tile"]


def test_a_graph_that_is_no_model_never_reaches_the_interpreter() -> None:
    broken = Pass(name="broken", run=edit_main(_swap_output))
    cleaning = clean(ZOO["mlp"](), (*PASSES, broken))
    assert [step.name for step in cleaning.undone] == ["broken"]
    assert "does not run" in cleaning.undone[0].reason


def test_a_pass_that_stumbles_is_left_out_and_named() -> None:
    stumbling = Pass(name="stumbling", run=edit_main(_stumble))
    cleaning = clean(ZOO["mlp"](), (stumbling, *PASSES))
    assert [step.name for step in cleaning.undone] == ["stumbling"]
    assert cleaning.is_changed


def test_a_model_that_nothing_runs_stays_byte_for_byte() -> None:
    net = GraphBuilder()
    x = net.tensor((1, 4), "int8", quant=per_tensor(1.0), name="x")
    net.graph.inputs.append(x)
    y = net.tensor((1, 4), "int8", quant=per_tensor(1.0), name="y")
    net.operator("CUSTOM", [x], [y], custom_name="NOBODYS")
    data = net.finish([y])
    cleaning = clean(data)
    assert cleaning.cleaned.flatbuffer == data
    assert cleaning.undone
    assert "op code CUSTOM" in cleaning.undone[0].reason


def test_wrong_shapes_without_anybody_who_could_tell_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tflm_gen.oracle.tflite._PACKAGES", ())
    cleaning = clean(wrong_reshape())
    reasons = {step.name: step.reason for step in cleaning.undone}
    assert "pip install ai-edge-litert" in reasons["static-shapes"]


def test_state_between_inferences_is_part_of_the_proof() -> None:
    def spoil_memory(draft: Draft) -> Change | None:
        """Weights of the oldest samples: the first inference after a reset does not see them."""
        svdf = next(operator for operator in draft.operators if operator.op == "SVDF")
        weights = draft.tensors[svdf.inputs[2]]
        columns = np.frombuffer(weights.data, np.int16).reshape(weights.shape).copy()
        columns[:, 0] = 12_345
        if weights.data == columns.tobytes():
            return None
        draft.tensors[svdf.inputs[2]] = replace(weights, data=columns.tobytes())
        return Change(detail="the oldest samples weighted otherwise")

    data = streaming_svdf()
    cleaning = clean(data, (Pass(name="wrong", run=edit_main(spoil_memory)), *PASSES))
    assert [step.name for step in cleaning.undone] == ["wrong"]
    vectors = make_vectors(cleaning.original.inputs, count=20, seed=9)
    before = run_oracle(data, vectors, keeps_state=True)
    after = run_oracle(cleaning.cleaned.flatbuffer, vectors, keeps_state=True)
    assert after.outputs == before.outputs
    assert before.outputs != run_oracle(data, vectors).outputs


def test_without_an_oracle_nothing_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaner, "find_wheel_library", lambda: None)
    data = ZOO["cnn_1d"]()
    cleaning = clean(data)
    assert cleaning.cleaned.flatbuffer == data
    assert cleaning.note == cleaner.NO_ORACLE


def test_a_model_that_cannot_be_written_again_is_used_as_it_is() -> None:
    net = ModelBuilder(seed=1)
    out = net.fully_connected(net.input((1, 8)), 3)
    net.metadata("OfflineMemoryAllocation", b"\0" * 16)
    cleaning = clean(net.finish([out]))
    assert not cleaning.is_changed
    assert "memory plan made offline" in cleaning.note


def test_an_empty_input_is_left_alone() -> None:
    net = ModelBuilder(seed=1)
    x = net.input((1, 0))
    out = net.like(x, (1, 0))
    net.operator("RELU", [x], [out], version=2)
    assert clean(net.finish([out])).note == "an input is empty"


# --- cache ------------------------------------------------------------------------------------


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TFLM_GEN_CACHE", str(tmp_path))
    return tmp_path / "clean"


def forbid_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        pytest.fail("the oracle was asked again")

    monkeypatch.setattr("tflm_gen.cleanup.proof.run_oracle", fail)


@pytest.mark.parametrize("name", ["cnn_1d", "open_batch_same"])
def test_the_second_time_the_cache_answers(
    name: str, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of({**ZOO, **ROUGH}[name]())
    first = clean_model(model)
    assert len(list(cache_folder.iterdir())) == 1
    forbid_work(monkeypatch)
    assert clean_model(model) == first


@pytest.mark.parametrize("damage", ["{", '{"report": "{}", "model": "AAAA"}', '{"report": 1}'])
def test_a_damaged_cache_is_made_again(damage: str, cache_folder: Path) -> None:
    model = model_of(ZOO["mlp"]())
    first = clean_model(model)
    entry = next(cache_folder.iterdir())
    entry.write_text(damage)
    assert clean_model(model) == first
    assert entry.read_text() != damage


def test_a_cached_model_that_was_changed_is_not_used(cache_folder: Path) -> None:
    import base64
    import json

    model = model_of(ZOO["mlp"]())
    first = clean_model(model)
    entry = next(cache_folder.iterdir())
    stored = json.loads(entry.read_text())
    stored["model"] = base64.b64encode(ZOO["cnn_2d"]()).decode()
    entry.write_text(json.dumps(stored))
    assert clean_model(model) == first


# --- TFLite -----------------------------------------------------------------------------------


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["open_batch_tcn", "open_batch_same", "upsampling", "tiled_twice"])
def test_tflite_agrees_where_tflm_cannot_run_the_original(name: str) -> None:
    cleaning = clean(ROUGH[name]())
    assert cleaning.proof is not None
    assert cleaning.proof.basis == "original on TFLite"


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["cnn_1d_open_batch", "two_leads_two_outputs", "open_batch_same"])
def test_a_cleaned_model_loads_in_tflite(name: str) -> None:
    from tflm_gen.oracle.tflite import run_tflite

    cleaning = clean({**ZOO, **ROUGH}[name]())
    vectors = make_vectors(cleaning.original.inputs, count=8)
    before = run_tflite(cleaning.original.flatbuffer, vectors)
    after = run_tflite(cleaning.cleaned.flatbuffer, vectors)
    assert before is not None
    assert after is not None
    assert after.outputs == before.outputs
    assert after.kernels == "reference kernels"
