# The engine that is the model itself as C: compiled/ holds the generated call
# plan and the kernels it uses; compiled/sources.cmake lists them.
include(compiled/sources.cmake)
list(TRANSFORM ECG_COMPILED_SOURCES PREPEND compiled/)
set(ECG_ENGINE_SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/inference_compiled.cc
  ${ECG_COMPILED_SOURCES})
set(ECG_ENGINE_INCLUDES compiled compiled/include)
set(ECG_ENGINE_LIBRARIES)
