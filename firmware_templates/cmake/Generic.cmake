# Bare metal: CPU flags, linker script, map file.
set(_cpu -mcpu=${ECG_CPU} -mthumb)
if(ECG_FLOAT_ABI)
  list(APPEND _cpu -mfloat-abi=${ECG_FLOAT_ABI})
endif()
target_compile_options(firmware PRIVATE ${_cpu})
target_link_options(firmware PRIVATE
  ${_cpu} ${ECG_LINK_OPTIONS}
  --specs=nano.specs
  -T${ECG_LINKER_SCRIPT}
  -Wl,--gc-sections
  -Wl,--fatal-warnings
  -Wl,-Map=${CMAKE_CURRENT_BINARY_DIR}/firmware.map)
set_property(TARGET firmware APPEND PROPERTY LINK_DEPENDS
  ${ECG_LINKER_SCRIPT} ${ECG_LINK_DEPENDS})
