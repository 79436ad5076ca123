"""Trains the network of the calibration ablation; DS2 of the database is never opened here.

    python benchmarks/calibration_network.py --mitdb DIR --seed 13 --out model.keras

A plain network with one channel and four RR features, kept as it is so that the committed result can
be made again; the example's own network is another.

DIR holds the database's 48 records (from PhysioNet). The windows are made by the firmware's own
C code, as calibration_network.toml says. Fixed epochs, no early stopping, no choice by any score.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tflm_gen.evaluate.splits import de_chazal
from tflm_gen.preprocess.binding import preprocess_record
from tflm_gen.preprocess.spec import PreprocessSpec, load_spec
from tflm_gen.records.quality import check_record
from tflm_gen.records.wfdb_reader import read_wfdb

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
EPOCHS, BATCH = 10, 128
# Classes the network learns; fusion beats (one training patient has 90 % of them) are left out.
CLASSES = ("N", "S", "V")


def make_network(seed: int) -> keras.Model:
    """Four strided convolutions over the beat, two small dense layers over the intervals."""
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(seed)
    beat = keras.Input((128, 1), name="beat")
    rr = keras.Input((4,), name="rr")
    x = beat
    for filters, width in ((16, 7), (24, 5), (32, 5), (32, 3)):
        x = layers.Conv1D(filters, width, strides=2, padding="same", activation="relu")(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.3)(x)
    x = layers.Dense(24, activation="relu")(x)
    y = layers.Dense(16, activation="relu")(rr)
    x = layers.Concatenate()([x, y])
    x = layers.Dense(24, activation="relu")(x)
    out = layers.Dense(len(CLASSES), activation="softmax", name="class_probability")(x)
    return keras.Model([beat, rr], out, name="ecg_mitdb")


def load(folder: Path, spec: PreprocessSpec) -> tuple[NDArray, NDArray, NDArray]:
    """Windows, intervals and class numbers of all DS1 beats of a class that is learned."""
    windows, intervals, labels = [], [], []
    for name in de_chazal().train:
        record = read_wfdb(folder / name, spec.lead)
        check_record(record, spec)
        made = preprocess_record(spec, record.adc, record.beats)
        known = np.array([c in CLASSES for c in record.classes])
        windows.append(made.windows[known])
        intervals.append(made.rr[known])
        labels.append(np.array([CLASSES.index(c) for c in record.classes if c in CLASSES]))
    return np.concatenate(windows), np.concatenate(intervals), np.concatenate(labels)


def augmented(windows: NDArray, rng: np.random.Generator) -> NDArray:
    """Other amplitudes, a beat found a little early or late, noise and drift."""
    n, length = windows.shape
    shift = rng.integers(-3, 4, n)
    place = np.clip(np.arange(length)[None, :] + shift[:, None], 0, length - 1)
    moved = np.take_along_axis(windows, place, axis=1)
    gain = np.exp(rng.normal(0, 0.25, (n, 1)))
    drift = rng.normal(0, 0.08, (n, 1)) + rng.normal(0, 0.08, (n, 1)) * np.linspace(-1, 1, length)
    noise = rng.normal(0, 1, (n, length)) * np.abs(rng.normal(0, 0.02, (n, 1)))
    return (moved * gain + drift + noise).astype(np.float32)


def epoch_rows(labels: NDArray, rng: np.random.Generator) -> NDArray:
    """All beats in a new order, S more than once; their true shares keep false alarms down."""
    return rng.permutation(np.append(np.arange(len(labels)), np.flatnonzero(labels == 1)))


def train(data: tuple[NDArray, NDArray, NDArray], seed: int) -> keras.Model:
    """Fit; the weights that stay are a running mean, which varies less between seeds."""
    import keras

    windows, intervals, labels = data
    network = make_network(seed)
    rng = np.random.default_rng(seed)
    steps = EPOCHS * (len(labels) + int(np.sum(labels == 1)))
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps // BATCH, alpha=0.02)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-3, use_ema=True, ema_momentum=0.995)
    network.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy")
    for epoch in range(EPOCHS):
        rows = epoch_rows(labels, rng)
        beats = augmented(windows[rows], rng)[..., None]
        rr = (intervals[rows] * np.exp(rng.normal(0, 0.03, intervals[rows].shape))).astype("f4")
        total = 0.0
        for at in range(0, len(rows) - BATCH + 1, BATCH):
            piece = slice(at, at + BATCH)
            total += float(network.train_on_batch([beats[piece], rr[piece]], labels[rows[piece]]))
            network.reset_metrics()
        print(f"epoch {epoch + 1} of {EPOCHS}: loss {total * BATCH / len(rows):.4f}", flush=True)
    optimizer.finalize_variable_values(network.trainable_variables)
    return network


def main() -> None:
    """Read, train, save."""
    parser = argparse.ArgumentParser(description="Train the ablation's network.")
    parser.add_argument("--mitdb", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    data = load(arguments.mitdb, load_spec(HERE / "calibration_network.toml"))
    network = train(data, arguments.seed)
    # A fresh network carries no optimizer: the same weights give the same file.
    plain = make_network(arguments.seed)
    plain.set_weights(network.get_weights())
    plain.save(arguments.out)
    print(f"{network.count_params()} parameters -> {arguments.out}")


if __name__ == "__main__":
    main()
