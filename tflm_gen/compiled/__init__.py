"""The compiled engine: an int8 model as plain C, byte for byte what TFLM computes."""
