# Corstone-300: Cortex-M55 with Helium; MPS3 AN547 and QEMU's mps3-an547.
set(ECG_PORT_SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/startup.cc
  ${CMAKE_CURRENT_LIST_DIR}/fault_handler.cc
  ${CMAKE_CURRENT_LIST_DIR}/board_corstone300.cc)
set(ECG_PORT_INCLUDES ${CMAKE_CURRENT_LIST_DIR})
set(ECG_LINKER_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/link.ld)

# Where the arena lies; generated/project.cmake says so if it is not SRAM.
if(NOT DEFINED ECG_ARENA_ORIGIN)
  set(ECG_ARENA_ORIGIN 0x31000000)
  set(ECG_ARENA_REGION_BYTES 0x200000)
endif()

# The linker script includes code_region.ld and image_sections.ld: those of the
# prebuilt image, which stand in the build folder, or else those for none.
set(ECG_LINK_OPTIONS
  -nostartfiles
  -Wl,--defsym=ECG_ARENA_ORIGIN=${ECG_ARENA_ORIGIN}
  -Wl,--defsym=ECG_ARENA_REGION_BYTES=${ECG_ARENA_REGION_BYTES}
  -L${CMAKE_CURRENT_BINARY_DIR}/image
  -L${CMAKE_CURRENT_LIST_DIR}/no_image)
