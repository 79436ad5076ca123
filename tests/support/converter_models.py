"""Models as TensorFlow's converter writes them; run by hand, the files are fixtures.

python -m tests.support.converter_models [NAME ...]

Writes ``tests/fixtures/converter/NAME.tflite`` and ``models.json`` next to them (versions, hashes).
The same versions write the same bytes; tests read the files and need no TensorFlow.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import os
import sys

from tests.support import converter_judged, converter_repaired
from tests.support.converter_files import FOLDER
from tests.support.converter_recipes import RECIPES

# Importing them registers what they hold.
REGISTERED = (converter_judged, converter_repaired)


def make(name: str) -> bytes:
    """One file, from a fixed seed."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import tensorflow as tf

    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(20261121)
    return bytes(RECIPES[name](tf))


def main(names: list[str]) -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or list(RECIPES):
        data = make(name)
        (FOLDER / f"{name}.tflite").write_bytes(data)
        sys.stdout.write(f"{name}: {len(data)} bytes\n")
    listed = sorted(FOLDER.glob("*.tflite"))
    document = {
        "command": "python -m tests.support.converter_models",
        "tensorflow": importlib.metadata.version("tensorflow-cpu"),
        "keras": importlib.metadata.version("keras"),
        "sha256": {p.stem: hashlib.sha256(p.read_bytes()).hexdigest() for p in listed},
    }
    (FOLDER / "models.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
