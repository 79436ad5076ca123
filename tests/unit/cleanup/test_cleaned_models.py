"""Cleaned models compute the same bytes, on vectors that their proof has not seen."""

from __future__ import annotations

from functools import cache

import pytest

from tests.support.rough_models import ROUGH
from tests.support.stateful_model import streaming_svdf
from tests.support.zoo import ZOO
from tflm_gen.cleanup.cleaner import clean_model
from tflm_gen.cleanup.records import Cleaning
from tflm_gen.model.reader import parse_model
from tflm_gen.oracle.client import run_oracle
from tflm_gen.vectors import make_vectors

pytestmark = pytest.mark.oracle

MODELS = {**ZOO, **ROUGH, "svdf": streaming_svdf}
# TFLM runs these wrongly, or not at all; their proof is another one.
WRONG_ON_TFLM = {"tcn_space_to_batch", "open_batch_tcn", "open_batch_same"}
NOT_ON_TFLM = {"upsampling", "tiled_twice", "float16_weights", "twelve_leads"}


@cache
def cleaned(name: str) -> Cleaning:
    return clean_model(parse_model(MODELS[name](), f"{name}.tflite"), use_cache=False)


@pytest.mark.parametrize("name", MODELS)
def test_everything_was_done_and_proven(name: str) -> None:
    cleaning = cleaned(name)
    assert cleaning.is_changed
    assert cleaning.undone == ()
    assert cleaning.proof is not None
    assert cleaning.proof.n_vectors >= 32
    if name in WRONG_ON_TFLM | NOT_ON_TFLM:
        assert cleaning.proof.basis in ("parts", "original on TFLite")
        assert cleaning.note
    else:
        assert cleaning.proof.basis == "original on TFLM"
        assert cleaning.note == ""


@pytest.mark.parametrize("name", MODELS)
def test_nothing_gets_larger(name: str) -> None:
    saving = cleaned(name).saving
    assert saving is not None
    if name not in NOT_ON_TFLM:
        assert saving.model_bytes[1] < saving.model_bytes[0]
    if name not in NOT_ON_TFLM | WRONG_ON_TFLM:
        assert saving.operators[1] <= saving.operators[0]
        assert saving.arena_bytes is not None
        assert saving.arena_bytes[1] <= saving.arena_bytes[0]


@pytest.mark.parametrize("name", sorted(set(MODELS) - WRONG_ON_TFLM - NOT_ON_TFLM))
def test_other_vectors_give_the_same_bytes(name: str) -> None:
    cleaning = cleaned(name)
    vectors = make_vectors(cleaning.original.inputs, count=24, seed=4711)
    before = run_oracle(cleaning.original.flatbuffer, vectors)
    after = run_oracle(cleaning.cleaned.flatbuffer, vectors)
    assert after.outputs == before.outputs


@pytest.mark.parametrize("name", MODELS)
def test_inputs_and_outputs_stay_as_they_were(name: str) -> None:
    cleaning = cleaned(name)
    for before, after in (
        (cleaning.original.inputs, cleaning.cleaned.inputs),
        (cleaning.original.outputs, cleaning.cleaned.outputs),
    ):
        assert [(t.name, t.shape, t.dtype, t.quantization) for t in after] == [
            (t.name, t.shape, t.dtype, t.quantization) for t in before
        ]


@pytest.mark.parametrize("name", MODELS)
def test_a_cleaned_model_has_nothing_to_clean(name: str) -> None:
    again = clean_model(cleaned(name).cleaned, use_cache=False)
    assert not again.is_changed
    assert again.undone == ()


@pytest.mark.parametrize("name", ["cnn_1d_open_batch", "residual", "open_batch_same"])
def test_the_same_model_gives_the_same_file(name: str) -> None:
    again = clean_model(parse_model(MODELS[name](), f"{name}.tflite"), use_cache=False)
    assert again.cleaned.flatbuffer == cleaned(name).cleaned.flatbuffer


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("cnn_1d_open_batch", 12, 8),
        ("open_batch_tcn", 20, 12),
        ("upsampling", 9, 5),
        ("flattened", 8, 3),
        ("residual", 16, 12),
    ],
)
def test_operators_are_saved(name: str, before: int, after: int) -> None:
    saving = cleaned(name).saving
    assert saving is not None
    assert saving.operators == (before, after)


def test_the_user_is_told_what_tflm_would_have_done() -> None:
    assert "stored shapes" in cleaned("open_batch_tcn").note
    assert "pads with 0 instead of the zero point" in cleaned("open_batch_same").note
    assert "op code TILE" in cleaned("upsampling").note
