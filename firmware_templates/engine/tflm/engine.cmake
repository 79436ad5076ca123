# The engine on TFLM. tflm_api/<ECG_TFLM_API>/ says where TFLM comes from and
# defines the target ecg_tflm and the list ECG_TFLM_SOURCES. With ECG_NPU the
# port brings up the NPU that some of the model's operators run on.
include(tflm_api/${ECG_TFLM_API}/tflm_api.cmake)
if(ECG_NPU)
  set(_npu ${CMAKE_CURRENT_SOURCE_DIR}/port/${ECG_FAMILY}/npu.cc)
else()
  set(_npu ${CMAKE_CURRENT_LIST_DIR}/npu_none.cc)
endif()
set(ECG_ENGINE_SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/inference_tflm.cc
  ${_npu}
  ${ECG_TFLM_SOURCES})
set(ECG_ENGINE_INCLUDES ${CMAKE_CURRENT_LIST_DIR})
set(ECG_ENGINE_LIBRARIES ecg_tflm)
