"""Models with one odd feature each: what kernels refuse only at Prepare or Invoke, or get wrong.

``FEATURES`` maps a name to a function that returns the file's bytes. Together with the
topologies of :mod:`tests.support.zoo` and the type matrix of :mod:`tests.support.zoo_kernels`
they are what the verdicts of ``tflm-gen check`` are compared with the runtimes on.
"""

from __future__ import annotations

# Importing them registers their models.
from tests.support import zoo_compute, zoo_graphs, zoo_ranks
from tests.support.zoo_registry import FEATURES

__all__ = ["FEATURES", "zoo_compute", "zoo_graphs", "zoo_ranks"]
