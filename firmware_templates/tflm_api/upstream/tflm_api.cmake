# TFLM from its own source tree: tflm_source/upstream.cmake makes the library.
include(${CMAKE_CURRENT_LIST_DIR}/../../tflm_source/upstream.cmake)
target_include_directories(ecg_tflm INTERFACE ${CMAKE_CURRENT_LIST_DIR})
set(ECG_TFLM_SOURCES "${CMAKE_CURRENT_LIST_DIR}/tflm_log.cc")
