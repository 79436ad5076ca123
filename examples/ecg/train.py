"""Trains the beat classifier on DS1 of the MIT-BIH Arrhythmia Database.

    python examples/ecg/train.py --mitdb DIR --seed 11 --out ecg.keras
    python examples/ecg/train.py --mitdb DIR --seed 11 --cross-validate

DIR holds the database's 48 records (from PhysioNet). DS2 is never opened here: all constants below
were chosen by cross-validation between the patients of DS1, which the second command repeats. The
windows are made by the firmware's own C code, as preprocess.toml says. Epochs are fixed, nothing
is chosen by a score while training.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tflm_gen.evaluate.beats import BeatSet, load_beats
from tflm_gen.evaluate.ec57 import CLASSES, beat_score
from tflm_gen.evaluate.splits import de_chazal
from tflm_gen.preprocess.spec import load_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import keras
    from numpy.typing import NDArray

SPEC = Path(__file__).resolve().parent / "preprocess.toml"
NORMAL, SUPRAVENTRICULAR, VENTRICULAR = range(3)
EPOCHS, BATCH, N_FOLDS = 7, 128, 4
# Of the normal beats so many are drawn anew for every epoch; S beats are taken twice.
N_NORMAL, S_TIMES = 9000, 2
RATE, WEIGHT_DECAY, LABEL_SMOOTHING, AVERAGING = 2e-3, 1e-3, 0.05, 0.99
# Added to the logits of S and V after training. In the cross-validation with seed 11: for S, where its sensitivity
# and its positive predictivity meet; for V, the largest smallest margin over VEB Se 93, +P 82.
SHIFT = {"normal_or_s": (0.0, -1.25), "ventricular": (0.5,)}
# Added to all logits, which no softmax sees. int8 rounds this one, all there is of N's, down to 0, and
# S's to the nearest step; without it a tie, which goes to N, would be half a step wide for S.
RAISE = 0.05
# S is told from N by a logistic regression over these figures: a feature, and from where on it counts.
FIGURES = (
    ("pre_long_ratio", 0.0),
    ("post_long_ratio", 0.0),
    ("unpredictability", 0.4),
    ("unpredictability", 1.0),
    ("p_likeness", -1.0),
)
# A patient's S beats count as up to so many; N beats of every patient as much as of any other.
MOST_S, RIDGE, NEWTON_STEPS = 100, 1e-3, 30
# Log odds of N over S while V is trained: about as often as the two are drawn.
RARITY = 1.5
# Fusion beats are not learned: one training patient has 90 % of them.
N_CLASSES = 3


def make_network(n_samples: int, n_intervals: int, *, has_softmax: bool) -> keras.Model:
    """V from the beat's shape and all figures beside it; S against N from four figures alone.

    Most S beats of DS1 are of seven patients: a network that sees their shapes learns the patients.

    Every convolution fits its row exactly, (out - 1) * stride + width = in: CMSIS-NN of the
    prebuilt image computes a strided row with something left over wrongly.
    """
    import keras

    layers = keras.layers
    beat = keras.Input((n_samples, 2), name="beat")
    rr = keras.Input((n_intervals,), name="rr")
    x = beat
    for filters, width in ((8, 7), (16, 5), (24, 5), (32, 3)):
        x = layers.Conv1D(filters, width, strides=2, activation="relu")(x)
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    x = layers.Dense(24, activation="relu")(x)
    y = layers.Dense(16, activation="relu", name="intervals")(rr)
    x = layers.Dense(24, activation="relu")(layers.Concatenate()([x, y]))
    ventricular = layers.Dense(1, name="ventricular")(x)
    # Fitted before, and fixed: a problem of six numbers with one solution, whatever the seed.
    s = layers.Dense(len(FIGURES), activation="relu", name="figures", trainable=False)(rr)
    normal_or_s = layers.Dense(2, name="normal_or_s", trainable=False)(s)
    out = layers.Concatenate()([normal_or_s, ventricular])
    if has_softmax:
        out = layers.Softmax(name="class_probability")(out)
    return keras.Model([beat, rr], out, name="ecg")


def figures_of(features: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Kernel [feature, figure] and bias of the layer "figures"; ReLU follows."""
    kernel = np.zeros((len(features), len(FIGURES)))
    for column, (name, _) in enumerate(FIGURES):
        kernel[features.index(name), column] = 1.0
    return kernel, -np.array([start for _, start in FIGURES])


def fit_supraventricular(
    figures: NDArray[np.float64], is_s: NDArray[np.bool_], patients: NDArray[np.str_]
) -> tuple[NDArray[np.float64], float]:
    """Slope and level of the log odds of S against N, both weighing the same; Newton's method."""
    weight = np.zeros(len(is_s))
    for patient in np.unique(patients):
        for kind, most in ((True, MOST_S), (False, 1)):
            rows = (patients == patient) & (is_s == kind)
            n = int(rows.sum())
            weight[rows] = min(n, most) / max(n, 1)
    for kind in (True, False):
        weight[is_s == kind] /= weight[is_s == kind].sum()
    mean, deviation = figures.mean(axis=0), figures.std(axis=0)
    x = np.column_stack([(figures - mean) / deviation, np.ones(len(is_s))])
    ridge = 2 * RIDGE * np.array([1.0] * len(mean) + [0.0])
    solution = np.zeros(len(ridge))
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-x @ solution))
        slope = x.T @ (weight * (p - is_s)) + ridge * solution
        curvature = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag(ridge)
        solution -= np.linalg.solve(curvature, slope)
    return solution[:-1] / deviation, float(solution[-1] - (mean / deviation) @ solution[:-1])


def set_supraventricular(
    network: keras.Model,
    data: BeatSet,
    chosen: NDArray[np.bool_],
    mean: NDArray[np.float32],
    deviation: NDArray[np.float32],
) -> None:
    """Fit S against N to the chosen beats, and put it into a network of standardized features."""
    kernel, bias = figures_of(load_spec(SPEC).rr_features)
    rows = chosen & (data.scored.true < VENTRICULAR)
    figures = np.maximum(data.inputs["rr"][rows] @ kernel + bias, 0)
    is_s = data.scored.true[rows] == SUPRAVENTRICULAR
    slope, level = fit_supraventricular(figures, is_s, data.scored.patients[rows])
    network.get_layer("figures").set_weights([kernel * deviation[:, None], bias + mean @ kernel])
    level -= RARITY
    network.get_layer("normal_or_s").set_weights(
        [np.column_stack([0 * slope, slope]), np.array([0.0, level])]
    )


def disturbed(
    windows: NDArray[np.float32], intervals: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Other amplitudes and heart rates, a beat found a little early or late, noise and drift."""
    n, length, _ = windows.shape
    place = np.clip(np.arange(length)[None] + rng.integers(-3, 4, n)[:, None], 0, length - 1)
    x = np.take_along_axis(windows, place[..., None], axis=1)
    x = x * np.exp(rng.normal(0, 0.15, (n, 1, 1))).astype("f4")
    ramp = np.linspace(-1, 1, length)[None, :, None]
    drift = rng.normal(0, 0.06, (n, 1, 1)) + rng.normal(0, 0.06, (n, 1, 1)) * ramp
    noise = rng.standard_normal((n, length, 1), dtype="f4") * np.abs(rng.normal(0, 0.02, (n, 1, 1)))
    x[..., :1] += (drift + noise).astype("f4")
    r = (intervals * np.exp(rng.normal(0, 0.02, intervals.shape))).astype("f4")
    return warped(x, rng), r


def warped(windows: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Time up to 15 % faster or slower around the beat; ratios of intervals stay."""
    length = windows.shape[1]
    x = windows.copy()
    kind = rng.integers(0, 9, len(x))
    for step in range(9):
        factor = 1 + 0.15 * (step - 4) / 4
        rows = kind == step
        place = np.clip(length // 2 + (np.arange(length) - length // 2) * factor, 0, length - 1)
        low = np.minimum(place.astype(int), length - 2)
        part = (place - low).astype("f4")[None, :, None]
        x[rows] = windows[rows][:, low] * (1 - part) + windows[rows][:, low + 1] * part
    return x


def train(data: BeatSet, chosen: NDArray[np.bool_], seed: int, *, progress: bool) -> keras.Model:
    """Fit to the chosen beats; the weights that stay are a running mean, steadier between seeds."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    rows_of = [np.flatnonzero(chosen & (data.scored.true == c)) for c in range(N_CLASSES)]
    windows, intervals = data.inputs["beat"], data.inputs["rr"]
    mean, deviation = (f(intervals[chosen], axis=0) for f in (np.mean, np.std))
    network = make_network(windows.shape[1], intervals.shape[1], has_softmax=False)
    set_supraventricular(network, data, chosen, mean, deviation)
    alike = same_for_each(data.scored.patients[rows_of[NORMAL]])
    n_rows = min(N_NORMAL, len(rows_of[0])) + S_TIMES * len(rows_of[1]) + len(rows_of[2])
    decay = keras.optimizers.schedules.CosineDecay(RATE, EPOCHS * n_rows // BATCH, alpha=0.02)
    optimizer = keras.optimizers.AdamW(
        decay, weight_decay=WEIGHT_DECAY, use_ema=True, ema_momentum=AVERAGING
    )
    optimizer.build(network.trainable_variables)
    loss_of = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=LABEL_SMOOTHING
    )

    @tf.function
    def run_epoch(x: tf.Tensor, r: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        total = 0.0
        for i in tf.range(tf.shape(classes)[0] // BATCH):
            at = i * BATCH
            with tf.GradientTape() as tape:
                logits = network([x[at : at + BATCH], r[at : at + BATCH]], training=True)
                loss = loss_of(tf.one_hot(classes[at : at + BATCH], N_CLASSES), logits)
            gradients = tape.gradient(loss, network.trainable_variables)
            optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
            total += loss
        return total / tf.cast(tf.shape(classes)[0] // BATCH, tf.float32)

    for epoch in range(EPOCHS):
        n_normal = min(N_NORMAL, len(rows_of[NORMAL]))
        normal = rng.choice(rows_of[NORMAL], n_normal, replace=False, p=alike)
        rows = rng.permutation(np.concatenate([normal, *[rows_of[1]] * S_TIMES, rows_of[2]]))
        x, r = disturbed(windows[rows], intervals[rows], rng)
        r = ((r - mean) / deviation).astype("f4")
        classes = data.scored.true[rows].astype(np.int32)
        loss = float(run_epoch(tf.constant(x), tf.constant(r), tf.constant(classes)))
        if progress:
            print(f"epoch {epoch + 1} of {EPOCHS}: loss {loss:.4f}", flush=True)
    optimizer.finalize_variable_values(network.trainable_variables)
    return deployed(network, mean, deviation)


def same_for_each(patients: NDArray[np.str_]) -> NDArray[np.float64]:
    """Chance of drawing each beat, so that every patient is drawn as often as any other."""
    _, place, count = np.unique(patients, return_inverse=True, return_counts=True)
    return np.asarray(1 / count[place] / len(count))


def deployed(
    network: keras.Model, mean: NDArray[np.float32], deviation: NDArray[np.float32]
) -> keras.Model:
    """The network that takes features as they are, shifts its classes, and ends in a softmax.

    It carries no optimizer: the same weights give the same file.
    """
    beat, rr = (tuple(tensor.shape) for tensor in network.inputs)
    plain = make_network(beat[1], rr[1], has_softmax=True)
    plain.set_weights(network.get_weights())
    for name in ("intervals", "figures"):
        first = plain.get_layer(name)
        kernel, bias = (np.array(values) for values in first.get_weights())
        first.set_weights([kernel / deviation[:, None], bias - (mean / deviation) @ kernel])
    for name, shift in SHIFT.items():
        last = plain.get_layer(name)
        last.bias.assign(last.bias + np.array(shift, dtype=np.float32) + RAISE)
    return plain


def patient_folds(data: BeatSet) -> Iterator[NDArray[np.bool_]]:
    """Beats to test on, for each fold: patients apart, V and S beats spread over the folds."""
    names, true = data.scored.patients, data.scored.true
    share = {
        p: sum(np.sum((names == p) & kind) / np.sum(kind) for kind in (true == 1, true == 2))
        + float(np.mean(names == p))
        for p in np.unique(names)
    }
    folds: list[list[str]] = [[] for _ in range(N_FOLDS)]
    load = [0.0] * N_FOLDS
    for patient in sorted(share, key=lambda p: -share[p]):
        fold = min(range(N_FOLDS), key=lambda j: load[j] + 0.15 * len(folds[j]))
        folds[fold].append(patient)
        load[fold] += share[patient]
    for fold in folds:
        yield np.isin(names, fold)


def cross_validate(data: BeatSet, seed: int) -> dict[str, Any]:
    """EC57 scores over DS1, each patient called by a network that never saw that patient."""
    called = np.zeros(data.n_beats, dtype=np.int64)
    for test in patient_folds(data):
        network = train(data, ~test, seed, progress=False)
        inputs = [data.inputs["beat"][test], data.inputs["rr"][test]]
        called[test] = network.predict(inputs, batch_size=512, verbose=0).argmax(axis=1)
    counts = np.zeros((len(CLASSES), len(CLASSES)), dtype=np.int64)
    np.add.at(counts, (data.scored.true, called), 1)
    scores = {kind: beat_score(counts, kind) for kind in ("VEB", "SVEB")}
    return {
        "seed": seed,
        "folds": [sorted(set(data.scored.patients[test].tolist())) for test in patient_folds(data)],
        **{
            f"{kind} {name}": round(100 * (getattr(score, name) or 0.0), 2)
            for kind, score in scores.items()
            for name in ("se", "ppv")
        },
        "confusion": counts[:4, :N_CLASSES].tolist(),
    }


def main() -> None:
    """Read, train, save; or cross-validate."""
    parser = argparse.ArgumentParser(description="Train the beat classifier.")
    parser.add_argument("--mitdb", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path, default=Path("ecg.keras"))
    parser.add_argument("--cross-validate", action="store_true")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    started = time.monotonic()
    data = load_beats(arguments.mitdb, de_chazal().train, load_spec(SPEC))
    if arguments.cross_validate:
        print(json.dumps(cross_validate(data, arguments.seed)))
        return
    network = train(data, np.ones(data.n_beats, dtype=bool), arguments.seed, progress=True)
    network.save(arguments.out)
    print(f"{network.count_params()} parameters -> {arguments.out}")
    print(f"{time.monotonic() - started:.0f} s, of the processor {time.process_time():.0f} s")


if __name__ == "__main__":
    main()
