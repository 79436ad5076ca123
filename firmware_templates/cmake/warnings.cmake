# Warnings for our own code, all of them errors.
set(ECG_C_WARNINGS
  -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wundef
  -Wcast-qual -Wformat=2 -Wdouble-promotion)
set(ECG_WARNINGS
  ${ECG_C_WARNINGS} -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual)
