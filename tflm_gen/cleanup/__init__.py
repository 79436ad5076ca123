"""Makes a model smaller and right for TFLM by rewriting its graph, and proves every step."""
