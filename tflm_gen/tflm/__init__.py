"""The TFLM that firmware links: its operators, where it comes from, which one is chosen."""
