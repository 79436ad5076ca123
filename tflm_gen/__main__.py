"""``python -m tflm_gen``."""

from __future__ import annotations

from tflm_gen.cli import main

if __name__ == "__main__":
    main()
