"""From ADC samples to a model's inputs: the specification, and the one C code that follows it."""
