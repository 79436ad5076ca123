"""TFLM from its own source tree: what a build compiles of it, and how the tree is fetched."""
