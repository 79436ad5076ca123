"""The three reports of ``evaluate`` from one document: what a reader must find in each."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest

from tflm_gen.evaluate.evaluation import compare, document
from tflm_gen.evaluate.results import ModelRun, ScoredBeats
from tflm_gen.report.evaluate_html import render_html
from tflm_gen.report.evaluate_text import batches_text, render_markdown, render_text

FACTS = {
    "float_model": {"name": "net.keras", "sha256": "f" * 64},
    "int8_model": {"name": "net<b>", "sha256": "a" * 64, "bytes": 9},
    "trigger": "annotation_triggered",
    "split": {"name": "fold 1 of 3", "test": ["r0", "r1", "r2", "r3"], "known_overlap": []},
    "records": {},
    "skipped_records": {"r9": "r9: 250 Hz; the preprocessing takes 360"},
    "excluded": {"clipped": 1234},
    "calibration": {"n_windows": 200, "by_class": {"N": 100, "V": 100}, "records": ["t0"]},
    "batch_invariance": {
        "n_windows": 64,
        "sizes": [1, 2, 4],
        "largest_difference": 3e-7,
        "same_class": True,
    },
    "bootstrap": {"rounds": 40, "seed": 3, "unit": "patient"},
}


def made(*, noise):
    rng = np.random.default_rng(0)
    n = 1600
    true = rng.choice([0, 1, 2, 3], n, p=[0.8, 0.05, 0.1, 0.05])
    place = rng.integers(0, 4, n)
    beats = ScoredBeats(
        records=np.array([f"r{i}" for i in place]),
        patients=np.array([f"p{i // 2}" for i in place]),
        true=true,
        class_names=("N", "S", "V"),
    )

    def run(name, more):
        scores = np.eye(4)[true][:, :3] + rng.uniform(0, 0.8, (n, 3)) + more
        scores /= scores.sum(axis=1, keepdims=True)
        return ModelRun(name=name, runtime=f"{name} runtime", scores=scores.astype(np.float32))

    bad = rng.uniform(0, noise, (n, 3))
    found = compare(
        beats, run("float", 0), run("int8", bad), preset="diagnostic", n_rounds=40, seed=3
    )
    return document(found, FACTS)


def strips(count):
    wave = np.sin(np.linspace(0, 9, 128)).tolist()
    return [
        {
            "caption": f"record r{i} <&>",
            "samples": wave,
            "beat_at": 52,
            "rate_hz": 180,
            "unit": "mV",
        }
        for i in range(count)
    ]


class Page(HTMLParser):
    """Text and tags of a page; every opened element must be closed."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("meta", "br") and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module", params=[0.0, 3.0], ids=["accepted", "rejected"])
def result(request):
    return made(noise=request.param)


@pytest.mark.parametrize(
    "says",
    [
        *("1,600 beats of 2 patients, 4 records (fold 1 of 3); beats: annotation_triggered",),
        *("net.keras (SHA-256 ffffffffffff) on float runtime", "int8 runtime"),
        *("200 windows (100 N, 100 V)", "batches", "of 1, 2, 4: the same class for 64 windows"),
        *("r9: 250 Hz; the preprocessing takes 360", "1,234 clipped (beats)"),
        *("Macro F1 and macro AUC are means over N, S, V", "40 draws of patients", "seed 3"),
        *("macro AUC", "SVEB +P", "gross Se", "average +P (records)", "no claim of conformity"),
    ],
)
def test_all_three_say_what_the_figures_rest_on(result, says):
    page = Page()
    page.feed(render_html(result, strips(2)))
    for text in (render_text(result), render_markdown(result), " ".join(page.words)):
        assert says in text


def test_the_patients_behind_each_class_are_counted(result):
    for name, item in result["patients_behind_each_class"].items():
        assert f"{name} {item['n_beats']:,} of 2 patients (" in render_text(result)


def test_the_verdict_is_the_gates(result):
    word = "ACCEPTED" if result["gate"]["accepted"] else "REJECTED"
    for text in (render_text(result), render_markdown(result), unescape(render_html(result, []))):
        assert word in text
        assert all(reason in text for reason in result["gate"]["reasons"])


def test_the_page_is_whole_escaped_and_fetches_nothing(result):
    text = render_html(result, strips(3))
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.tags.count("svg") == 3 + 3  # A curve each for N, S, V; the strips.
    assert not re.search(r"(?:src|href)=|url\(|@import|<script|net<b>|r0 <&>", text)
    assert "prefers-color-scheme:dark" in text


def test_pictures_have_axes_and_units(result):
    page = Page()
    page.feed(render_html(result, strips(2)))
    words = page.words
    assert words.count("false positives (%)") == words.count("sensitivity (%)") == 3
    assert words.count("s from the beat") == words.count("mV") == 2
    # The grid is of 0.2 s from the beat, at 180 samples a second.
    assert {"0.0", "0.4"} <= set(words)


def test_every_record_has_a_row_of_its_own(result):
    text = render_markdown(result)
    for record in ("r0", "r1", "r2", "r3"):
        assert re.search(rf"^\| {record} \| \d+ \| [\d.]+ / [\d.]+ \|", text, re.MULTILINE)


def test_a_flat_strip_is_drawn(result):
    flat = [{**strips(1)[0], "samples": [0.0] * 128}]
    assert "nan" not in render_html(result, flat)


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ({"n_windows": 0, "sizes": [1]}, "do not fit the inputs"),
        ({"sizes": [1]}, "batch is fixed at 1"),
        ({"same_class": False}, "NOT the same class for 64 windows"),
    ],
)
def test_batches_that_were_not_compared_are_not_said_to_agree(known, says):
    text = batches_text(FACTS["batch_invariance"] | known)
    assert says in text
    assert ("not compared" in text) == (known.get("sizes") == [1])
