# Puts what the build is for beside the build folder: out/<engine>/firmware.*.
get_filename_component(_out ${CMAKE_CURRENT_BINARY_DIR} DIRECTORY)
set_target_properties(firmware PROPERTIES OUTPUT_NAME firmware SUFFIX .elf)
if(CMAKE_SYSTEM_NAME STREQUAL "Generic")
  add_custom_command(TARGET firmware POST_BUILD
    COMMAND ${CMAKE_COMMAND} -E copy firmware.elf firmware.map ${_out}
    COMMAND ${CMAKE_OBJCOPY} -O ihex firmware.elf ${_out}/firmware.hex
    WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
else()
  add_custom_command(TARGET firmware POST_BUILD
    COMMAND ${CMAKE_COMMAND} -E copy firmware.elf ${_out}
    WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
endif()
