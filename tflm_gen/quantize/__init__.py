"""Float models to int8: the only part of the tool that runs TensorFlow, and only in a child."""
