"""Other people's compilers, for comparison only: their C in the same firmware as our engines."""
