# No model: what a model's image does around its inferences, with an echo in
# their place. For a port that has no runtime to link yet.
set(ECG_ENGINE_SOURCES ${CMAKE_CURRENT_LIST_DIR}/inference_none.cc)
set(ECG_ENGINE_INCLUDES "")
set(ECG_ENGINE_LIBRARIES "")
