"""The reference: TFLM's own interpreter (the tflite-micro wheel), kept in child processes.

It crashes on some models and small arenas, so it never runs in this process.
"""
