"""All figures of the page, made again: train, quantize, evaluate for each seed.

    python examples/ecg/make_results.py --mitdb DIR --out FOLDER

The first seed is the one that ships; the others show how much a seed decides. Finished steps of
FOLDER are kept. results.json is written to FOLDER, from what the steps themselves wrote.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SEEDS = (11, 12, 13)
PACKAGES = ("tensorflow-cpu", "keras", "numpy", "wfdb", "tflite-micro")
KEPT = (
    *("split", "records", "excluded", "n_beats", "patients_behind_each_class"),
    *("batch_invariance", "agreement", "gate", "caveat"),
)


def run(*command: object, good: tuple[int, ...] = (0,)) -> str:
    """Standard output of a step; TensorFlow's own notes stay on standard error."""
    argv = [str(part) for part in command]
    print("+", *argv, flush=True)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False, env=environment)
    if done.returncode not in good:
        raise SystemExit(f"{argv[:3]} ended with {done.returncode}: {done.stdout[-2000:]}")
    return done.stdout


def step(file: Path, *command: object, good: tuple[int, ...] = (0,)) -> str:
    """A step whose standard output is kept in a file, and not run again."""
    if not file.is_file():
        text = run(*command, good=good)
        file.write_text(text, encoding="utf-8")
    return file.read_text(encoding="utf-8")


def of_seed(seed: int, mitdb: Path, out: Path) -> dict[str, Any]:
    """Train on DS1, quantize, and score float and int8 on DS2."""
    keras_file, int8 = out / f"ecg_{seed}.keras", out / f"ecg_{seed}.tflite"
    tool = (sys.executable, "-m", "tflm_gen")
    script = (sys.executable, HERE / "train.py", "--mitdb", mitdb, "--seed", seed)
    trained = step(out / f"train_{seed}.txt", *script, "--out", keras_file)
    spec = HERE / "preprocess.toml"
    step(
        out / f"quantize_{seed}.json",
        *(*tool, "quantize", keras_file, "--records", mitdb, "--spec", spec),
        *("--out", int8, "--json"),
    )
    # Exit code 1 is a rejected model: a result too.
    verdict = step(
        out / f"evaluate_{seed}.json",
        *(*tool, "evaluate", keras_file, int8, "--records", mitdb, "--out", out / f"report_{seed}"),
        "--json",
        good=(0, 1),
    )
    return {
        "seed": seed,
        "training": trained.strip().splitlines()[-1],
        "float_sha256": digest(keras_file),
        "int8_sha256": digest(int8),
        "int8_bytes": int8.stat().st_size,
        "evaluate": shortened(json.loads(verdict)),
    }


def with_detector(seed: int, mitdb: Path, out: Path) -> dict[str, Any]:
    """The same two models where the firmware's own detector finds the beats."""
    models = (out / f"ecg_{seed}.keras", out / f"ecg_{seed}.tflite")
    verdict = step(
        out / f"evaluate_{seed}_detector.json",
        *(sys.executable, "-m", "tflm_gen", "evaluate", *models, "--records", mitdb),
        *("--trigger", "detector", "--out", out / f"report_{seed}_detector", "--json"),
        good=(0, 1),
    )
    document = json.loads(verdict)
    found = {key: value for key, value in document["detector"].items() if key != "by_record"}
    return {"trigger": document["trigger"], **found}


def shortened(document: dict[str, Any]) -> dict[str, Any]:
    """The verdict without curves, single beats and single records."""
    models = {
        name: {key: model[key] for key in ("runtime", "scores", "confusion", "ec57")}
        for name, model in document["models"].items()
    }
    return {**{key: document[key] for key in KEPT}, "models": models}


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Run the steps and write results.json."""
    parser = argparse.ArgumentParser(description="Make the example's results again.")
    parser.add_argument("--mitdb", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    runs = [of_seed(seed, arguments.mitdb, arguments.out) for seed in SEEDS]
    script = (sys.executable, HERE / "train.py", "--mitdb", arguments.mitdb, "--seed", SEEDS[0])
    folds = step(arguments.out / f"folds_{SEEDS[0]}.json", *script, "--cross-validate")
    results = {
        "schema": "tflm-gen/example-results/1",
        "data": "MIT-BIH Arrhythmia Database v1.0.0, DS1 to train, DS2 to score (de Chazal 2004)",
        "command": "python examples/ecg/make_results.py --mitdb DIR --out FOLDER",
        "files": {
            name: digest(HERE / name) for name in ("train.py", "preprocess.toml", "make_results.py")
        },
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
        "shipped_seed": SEEDS[0],
        "cross_validation_ds1": json.loads(folds),
        "detector_in_the_loop": with_detector(SEEDS[0], arguments.mitdb, arguments.out),
        "runs": runs,
    }
    path = arguments.out / "results.json"
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
