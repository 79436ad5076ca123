"""Reference net N1: instructions per inference of the compiled engine, on emulated cores."""
