# Bare metal: CPU flags, linker script, map file.

# The linker script checks that the arena is as large as its header says.
set(_arena_config ${CMAKE_CURRENT_SOURCE_DIR}/generated/arena_config.h)
file(STRINGS ${_arena_config} _arena REGEX "kArenaBytes = [0-9]+")
string(REGEX MATCH "[0-9]+" _arena_bytes "${_arena}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_arena_config})

set(_cpu -mcpu=${ECG_CPU} -mthumb)
if(ECG_FLOAT_ABI)
  list(APPEND _cpu -mfloat-abi=${ECG_FLOAT_ABI})
endif()
target_compile_options(firmware PRIVATE ${_cpu})
target_link_options(firmware PRIVATE
  ${_cpu} ${ECG_LINK_OPTIONS}
  --specs=nano.specs
  -T${ECG_LINKER_SCRIPT}
  -Wl,--defsym=ECG_ARENA_BYTES=${_arena_bytes}
  -Wl,--gc-sections
  -Wl,--fatal-warnings
  -Wl,-Map=${CMAKE_CURRENT_BINARY_DIR}/firmware.map)
set_property(TARGET firmware APPEND PROPERTY LINK_DEPENDS
  ${ECG_LINKER_SCRIPT} ${ECG_LINK_DEPENDS})
