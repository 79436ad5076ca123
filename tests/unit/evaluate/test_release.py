"""What a verdict leaves behind is whole, also when the models lie in the folder it is written to."""

from __future__ import annotations

import json

import pytest

from tflm_gen.evaluate import release as release_module
from tflm_gen.evaluate.release import write_release


def document(*, is_accepted):
    return {
        "int8_model": {"name": "q", "sha256": "1", "bytes": 4},
        "float_model": {"name": "net.keras", "sha256": "2"},
        "gate": {
            "accepted": is_accepted,
            "preset": "diagnostic",
            "reasons": [] if is_accepted else ["it is worse"],
            "warnings": [],
        },
        "trigger": "annotation_triggered",
    }


@pytest.fixture
def models(tmp_path):
    (tmp_path / "net.keras").write_bytes(b"float")
    (tmp_path / "q.tflite").write_bytes(b"int8")
    return tmp_path


def release(models, out, *, is_accepted):
    out.mkdir(exist_ok=True)
    write_release(
        out,
        document(is_accepted=is_accepted),
        {"evaluate.json": f'{{"accepted": {json.dumps(is_accepted)}}}'},
        float_model=models / "net.keras",
        int8=models / "q.tflite",
    )
    manifest = json.loads((out / "manifest.json").read_text())
    assert json.loads((out / manifest["report"]).read_text())["accepted"] is is_accepted
    return manifest


def test_an_accepted_model_of_an_earlier_run_does_not_outlive_a_rejection(models):
    out = models / "out"
    assert release(models, out, is_accepted=True)["accepted"]["file"] == "accepted/q.tflite"
    manifest = release(models, out, is_accepted=False)
    assert manifest["accepted"] is None
    assert not list(out.rglob("*.tflite"))
    assert (out / manifest["fallback"]["file"]).read_bytes() == b"float"
    assert not list(out.glob(".release*"))


def test_models_given_from_the_report_itself_survive(models):
    out = models / "out"
    release(models, out, is_accepted=True)
    write_release(
        out,
        document(is_accepted=True),
        {},
        float_model=out / "fallback" / "net.keras",
        int8=out / "accepted" / "q.tflite",
    )
    assert (out / "accepted" / "q.tflite").read_bytes() == b"int8"
    assert (out / "fallback" / "net.keras").read_bytes() == b"float"


def test_a_saved_model_is_kept_as_a_folder(models):
    (models / "saved").mkdir()
    (models / "saved" / "saved_model.pb").write_bytes(b"pb")
    out = models / "out"
    out.mkdir()
    write_release(
        out,
        document(is_accepted=False),
        {},
        float_model=models / "saved",
        int8=models / "q.tflite",
    )
    assert (out / "fallback" / "saved" / "saved_model.pb").read_bytes() == b"pb"


def test_a_run_that_is_stopped_leaves_no_manifest_to_trust(models, monkeypatch):
    out = models / "out"
    release(models, out, is_accepted=True)

    def stopped(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(release_module.shutil, "rmtree", stopped)
    with pytest.raises(KeyboardInterrupt):
        release(models, out, is_accepted=False)
    assert not (out / "manifest.json").exists()
    assert json.loads((out / "evaluate.json").read_text())["accepted"] is True
