"""What Vela made of a model, kept by the hash of the model, its configuration and Vela's version."""

from __future__ import annotations

import base64
import binascii
import hashlib
import importlib.metadata
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from tflm_gen.errors import TflmGenError
from tflm_gen.model.reader import parse_model
from tflm_gen.toolchain.disk_cache import load_json, store_json
from tflm_gen.vela.records import CpuOperator, NpuConfig, VelaEstimate, VelaResult

if TYPE_CHECKING:
    from tflm_gen.model.records import Model

_FOLDER = "vela"
_SCHEMA = 1


def load(model: Model, config: NpuConfig) -> VelaResult | None:
    """The result of an earlier run with this file, or None."""
    stored = load_json(_FOLDER, _name(model, config))
    try:
        if stored is None:
            return None
        report = json.loads(str(stored["report"]))
        data = base64.b64decode(str(stored["model"]), validate=True)
        if hashlib.sha256(data).hexdigest() != report["sha256"]:
            return None
        parse_model(data, f"{model.name}_vela.tflite")
        return VelaResult(
            config=config,
            model=data,
            estimate=VelaEstimate(**report["estimate"]),
            n_original_operators=len(model.main.operators),
            cpu_operators=tuple(CpuOperator(**each) for each in report["cpu_operators"]),
            n_npu_blocks=int(report["n_npu_blocks"]),
            version=str(report["version"]),
        )
    except (KeyError, TypeError, ValueError, binascii.Error, TflmGenError):
        return None


def store(model: Model, result: VelaResult) -> None:
    """Keep a result."""
    report = {
        "sha256": hashlib.sha256(result.model).hexdigest(),
        "estimate": asdict(result.estimate),
        "cpu_operators": [asdict(each) for each in result.cpu_operators],
        "n_npu_blocks": result.n_npu_blocks,
        "version": result.version,
    }
    encoded = base64.b64encode(result.model).decode("ascii")
    value = {"report": json.dumps(report), "model": encoded}
    store_json(_FOLDER, _name(model, result.config), value)


def _name(model: Model, config: NpuConfig) -> str:
    parts = (
        str(_SCHEMA),
        model.sha256,
        json.dumps(asdict(config), sort_keys=True),
        importlib.metadata.version("ethos-u-vela"),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
