# What the Cortex-M4 ports share: start-up, fault handlers, link script.
set(ECG_CORTEX_M_SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/faults.cc
  ${CMAKE_CURRENT_LIST_DIR}/libc_stubs.cc
  ${CMAKE_CURRENT_LIST_DIR}/startup.cc)
set(ECG_CORTEX_M_INCLUDES ${CMAKE_CURRENT_LIST_DIR})
set(ECG_LINKER_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/link.ld)

# The memories of the board file, for the link script.
set(ECG_LINK_OPTIONS -nostartfiles)
foreach(name FLASH_ORIGIN FLASH_BYTES RAM_ORIGIN RAM_BYTES)
  if(NOT DEFINED ECG_${name})
    message(FATAL_ERROR "generated/project.cmake does not set ECG_${name}")
  endif()
  list(APPEND ECG_LINK_OPTIONS -Wl,--defsym=ECG_${name}=${ECG_${name}})
endforeach()
