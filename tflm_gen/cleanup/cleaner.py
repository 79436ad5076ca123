"""clean_model(): rewrites a model step by step, keeps what is proven, undoes what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tflm_gen.cleanup import cache
from tflm_gen.cleanup.passes import PASSES
from tflm_gen.cleanup.proof import Bench, Failure, Trail, TrailStep, prove
from tflm_gen.cleanup.records import Cleaning, Pass, Saving, Step, UndoneStep
from tflm_gen.errors import UnsupportedModelError, UnsupportedOperatorError
from tflm_gen.model.graph import Document, read_document, write_document
from tflm_gen.model.reader import parse_model
from tflm_gen.tflm.sources import find_wheel_library
from tflm_gen.vectors import make_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tflm_gen.cleanup.proof import Proven
    from tflm_gen.model.records import Model

NO_ORACLE = "nothing can be proven without the tflite-micro wheel, so the model stays as it is"
_VECTORS = 32
# One pass clears the way for another: two rounds are usual, three are rare.
_MAX_ROUNDS = 10

Chosen = TypeVar("Chosen")


def clean_model(
    model: Model,
    *,
    passes: Sequence[Pass] = PASSES,
    on_step: Callable[[str], None] = lambda _: None,
    use_cache: bool = True,
) -> Cleaning:
    """A model that computes the same with fewer operators, bytes and arena.

    Nothing is changed without proof: see ``docs/cleanup.md``.

    Args:
        model: The model.
        passes: Rewrites in the order in which they are tried.
        on_step: Told the name of every step that takes a while.
        use_cache: Take the result of an earlier run on the same file.
    """
    if find_wheel_library() is None:
        return Cleaning(original=model, cleaned=model, note=NO_ORACLE)
    is_cached = use_cache and passes is PASSES
    stored = cache.load(model) if is_cached else None
    if stored is not None:
        return stored
    if any(tensor.n_elements == 0 for tensor in model.inputs):
        return Cleaning(original=model, cleaned=model, note="an input is empty")
    try:
        document = read_document(model)
        vectors = make_vectors(model.inputs, count=_VECTORS)
    except UnsupportedModelError as error:
        return Cleaning(original=model, cleaned=model, note=error.message)
    on_step("clean the model up and prove it")
    cleaning = _clean(model, document, Bench(model, vectors, on_step), passes)
    if is_cached:
        cache.store(cleaning)
    return cleaning


def naming_undone(cleaning: Cleaning | None, choose: Callable[[], Chosen]) -> Chosen:
    """Choose operators; if one is lacking, name the repair that was undone, and why.

    Raises:
        UnsupportedOperatorError: As ``choose`` does.
    """
    try:
        return choose()
    except UnsupportedOperatorError as error:
        repairs = {entry.name for entry in PASSES if entry.is_repair}
        undone = [step for step in cleaning.undone if step.name in repairs] if cleaning else []
        if not undone:
            raise
        first = undone[0]
        message = f"{error.message}; clean-up step {first.name} was undone: {first.reason}"
        raise UnsupportedOperatorError(message, hint=error.hint) from error


def _clean(model: Model, document: Document, bench: Bench, passes: Sequence[Pass]) -> Cleaning:
    """Rewrite and prove; as long as a step cannot be proven, again without it."""
    undone: list[UndoneStep] = []
    while True:
        skipped = {step.name for step in undone}
        kept = [entry for entry in passes if entry.name not in skipped]
        trail, failed = _rewrite(document, kept)
        if failed:
            undone += failed
            continue
        if not trail:
            return Cleaning(original=model, cleaned=model, undone=tuple(undone))
        verdict = prove(trail, bench)
        if not isinstance(verdict, Failure):
            return _result(model, trail, tuple(undone), verdict, bench)
        undone += _undone(trail, verdict)


def _undone(trail: Trail, failure: Failure) -> list[UndoneStep]:
    """The passes that a failure takes out, once each; "" takes all of them."""
    first: dict[str, TrailStep] = {}
    for step in trail:
        if failure.name in (step.name, ""):
            first.setdefault(step.name, step)
    return [
        UndoneStep(name=step.name, detail=step.change.detail, reason=failure.reason)
        for step in first.values()
    ]


def _rewrite(document: Document, passes: Sequence[Pass]) -> tuple[Trail, list[UndoneStep]]:
    """Every change with the document after it, up to where no pass has anything left to do.

    Repairs run once, and first. If a pass fails, what it raised; the trail is of no use then.
    """
    trail: list[TrailStep] = []
    for n_round in range(_MAX_ROUNDS):
        n_before = len(trail)
        for entry in passes:
            if entry.is_repair and n_round:
                continue
            try:
                result = entry.run(document)
            except (ArithmeticError, LookupError, ValueError) as error:
                # A valid file may still contradict what an operator's definition promises.
                reason = f"the rewrite does not understand the model: {error!r}"
                return (), [UndoneStep(name=entry.name, detail="", reason=reason)]
            if result is not None:
                document, change = result
                trail.append(
                    TrailStep(
                        name=entry.name,
                        is_repair=entry.is_repair,
                        change=change,
                        document=document,
                    )
                )
        if len(trail) == n_before:
            break
    return tuple(trail), []


def _result(
    model: Model,
    trail: Trail,
    undone: tuple[UndoneStep, ...],
    proven: Proven,
    bench: Bench,
) -> Cleaning:
    data = write_document(trail[-1].document)
    cleaned = parse_model(data, f"{model.name}.tflite")
    before, after = bench.original(), bench.run(trail[-1].document)
    arenas = (before and before.arena_used_bytes, after and after.arena_used_bytes)
    return Cleaning(
        original=model,
        cleaned=cleaned,
        steps=tuple(Step(name=step.name, detail=step.change.detail) for step in trail),
        undone=undone,
        proof=proven.proof,
        saving=Saving(
            operators=(len(model.main.operators), len(cleaned.main.operators)),
            model_bytes=(len(model.flatbuffer), len(data)),
            arena_bytes=(arenas[0], arenas[1]) if arenas[0] and arenas[1] else None,
        ),
        note=proven.note,
    )
