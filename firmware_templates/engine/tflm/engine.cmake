# The engine on TFLM. tflm_api/<ECG_TFLM_API>/ says where TFLM comes from and
# defines the target ecg_tflm and the list ECG_TFLM_SOURCES.
include(tflm_api/${ECG_TFLM_API}/tflm_api.cmake)
set(ECG_ENGINE_SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/inference_tflm.cc
  ${ECG_TFLM_SOURCES})
set(ECG_ENGINE_INCLUDES ${CMAKE_CURRENT_LIST_DIR})
set(ECG_ENGINE_LIBRARIES ecg_tflm)
