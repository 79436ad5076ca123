"""From a .tflite model to TensorFlow Lite Micro firmware that proves itself."""

from __future__ import annotations

__version__ = "0.1.0"
