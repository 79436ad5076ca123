# QEMU's mps2-an386: a Cortex-M4F with memory where the nRF52840 has it.
include(${CMAKE_CURRENT_LIST_DIR}/../cortex_m/cortex_m.cmake)
set(ECG_PORT_SOURCES
  ${ECG_CORTEX_M_SOURCES}
  ${CMAKE_CURRENT_LIST_DIR}/../cortex_m/semihosting.cc
  ${CMAKE_CURRENT_LIST_DIR}/board_mps2.cc
  ${CMAKE_CURRENT_LIST_DIR}/vectors.cc)
set(ECG_PORT_INCLUDES ${CMAKE_CURRENT_LIST_DIR} ${ECG_CORTEX_M_INCLUDES})
