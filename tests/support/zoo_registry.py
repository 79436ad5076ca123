"""Where the models with one odd feature are registered; see :mod:`tests.support.zoo_features`."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from tests.support.model_builder import ModelBuilder

if TYPE_CHECKING:
    from collections.abc import Callable

FEATURES: dict[str, Callable[[], bytes]] = {}


def feature(function: Callable[..., bytes], name: str = "", **fixed: Any) -> None:
    """Register a case; keyword arguments are bound and become part of the name."""
    words = [name or function.__name__, *(f"{value}" for value in fixed.values())]
    clean = "_".join(words).replace(" ", "").replace("(", "").replace(")", "").replace(",", "x")
    assert clean not in FEATURES, clean
    FEATURES[clean.lower()] = cache(partial(function, **fixed))


def feature_case(function: Callable[[], bytes]) -> Callable[[], bytes]:
    """Register one case under the function's name."""
    feature(function)
    return function


def family(**axes: tuple[Any, ...]) -> Callable[[Callable[..., bytes]], Callable[..., bytes]]:
    """Register a function once for every value of its keyword argument."""

    def register(function: Callable[..., bytes]) -> Callable[..., bytes]:
        names = list(axes)

        def expand(at: int, fixed: dict[str, Any]) -> None:
            if at == len(names):
                feature(function, **fixed)
                return
            for value in axes[names[at]]:
                expand(at + 1, {**fixed, names[at]: value})

        expand(0, {})
        return function

    return register


SIGNALS = ("int8", "int16", "float32")


def builder(dtype: str) -> ModelBuilder:
    """A model builder with the zoo's seed."""
    return ModelBuilder(dtype=dtype, seed=7)
