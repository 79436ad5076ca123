from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import pytest

from tests.support.zoo import ZOO
from tflm_gen.arena_model.compute import estimate_arena
from tflm_gen.arena_model.tables import load_table
from tflm_gen.model.reader import parse_model
from tflm_gen.report.arena_svg import arena_svg
from tflm_gen.report.arena_text import arena_document, arena_text


@pytest.mark.parametrize("name", ["unet_1d", "activations", "two_leads_two_outputs"])
def test_every_buffer_is_drawn_once(name: str) -> None:
    estimate = estimate_arena(
        parse_model(ZOO[name](), f"{name}.tflite"), load_table("corstone300_image")
    )
    svg = arena_svg(estimate, title="<a & b>")
    root = ElementTree.fromstring(svg)
    titles = [node for node in root.iter() if node.tag.endswith("}title")]
    assert len(titles) == len(estimate.placed)
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    text = arena_text(estimate)
    assert text.count("@") >= len(estimate.placed)
    assert f"tensor arena {estimate.n_bytes:,} B" in text
    document = json.loads(json.dumps(arena_document(estimate)))
    assert sum(document["breakdown"].values()) == document["bytes"]
    assert len(document["buffers"]) == len(estimate.placed)
