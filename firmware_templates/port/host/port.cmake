# Linux x86-64: the firmware as a program. Everything it needs of the system is
# in these few files; sanitizers find in it what a board would hide.
option(ECG_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer on our own code" OFF)

if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux" OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  message(FATAL_ERROR
    "board host is Linux x86-64 only; this is ${CMAKE_SYSTEM_NAME} ${CMAKE_SYSTEM_PROCESSOR}")
endif()

set(ECG_PORT_SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/board_host.cc
  ${CMAKE_CURRENT_LIST_DIR}/console.cc
  ${CMAKE_CURRENT_LIST_DIR}/faults.cc
  ${CMAKE_CURRENT_LIST_DIR}/stack.cc)
set(ECG_PORT_INCLUDES ${CMAKE_CURRENT_LIST_DIR})

# At fixed addresses below 4 GiB, so that those in a FAULT record are whole and
# addr2line can read them.
get_filename_component(_host_out ${CMAKE_CURRENT_BINARY_DIR} DIRECTORY)
add_compile_options(-fno-pie)
add_link_options(-no-pie -Wl,--gc-sections -Wl,-Map=${_host_out}/firmware.map)

if(ECG_SANITIZE)
  list(APPEND ECG_PORT_SOURCES ${CMAKE_CURRENT_LIST_DIR}/sanitizer.cc)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
