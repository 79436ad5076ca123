# TFLM from the tflite-micro wheel, for a program on Linux x86-64: its Python
# module exports TFLM's symbols. The program is linked with a copy of the module,
# and itself defines the Python symbols that the module asks for.

set(TFLM_WHEEL_SO "" CACHE FILEPATH "_runtime.so of the tflite-micro wheel 0.dev20261023182759")
option(TFLM_WHEEL_UNCHECKED "Accept a _runtime.so that ecg_tflm_api.h was not checked against" OFF)

# The modules that the declarations are checked against, one a CPython version.
set(ecg_wheel_known
  e24925eca3e58b7c403cfeef04caa44f46da813b7a6c85908c59a33d5779e909  # cp310
  899add78f13a3814dc5d61a7118a2e60bb7a3f304524ce1c268aea43884818f4  # cp311
  8bd5808bacc4e04b18b7b6ee68e3231cf6f775d3133ded925d72eb4c137b3842  # cp312
  1d992fb6e3129838f0a30a545f866b0f64ed34bd4e987f6074b401d6a56d44f9)  # cp313

if(NOT TFLM_WHEEL_SO OR NOT EXISTS "${TFLM_WHEEL_SO}")
  message(FATAL_ERROR
    "TFLM_WHEEL_SO='${TFLM_WHEEL_SO}' is no file. It must be the path of "
    "tflite_micro/python/tflite_micro/_runtime.so of the installed package "
    "(pip install tflite-micro==0.dev20261023182759).")
endif()
file(SHA256 "${TFLM_WHEEL_SO}" ecg_wheel_sha256)
if(NOT TFLM_WHEEL_UNCHECKED AND NOT ecg_wheel_sha256 IN_LIST ecg_wheel_known)
  message(FATAL_ERROR
    "${TFLM_WHEEL_SO} has SHA-256 ${ecg_wheel_sha256}: not a module of tflite-micro "
    "0.dev20261023182759, whose binary interface ecg_tflm_api.h declares. Install that "
    "version, or take the risk with -DTFLM_WHEEL_UNCHECKED=ON.")
endif()

# A copy beside the firmware, because the package may be replaced or removed while
# the firmware still exists.
get_filename_component(ecg_wheel_dir "${CMAKE_BINARY_DIR}" DIRECTORY)
set(ecg_wheel_copy "${ecg_wheel_dir}/tflm_wheel.so")
configure_file("${TFLM_WHEEL_SO}" "${ecg_wheel_copy}" COPYONLY)

set(ecg_wheel_stubs "${CMAKE_BINARY_DIR}/python_stubs.cc")
execute_process(
  COMMAND "${CMAKE_COMMAND}" "-DTFLM_WHEEL_SO=${ecg_wheel_copy}" "-DOUTPUT=${ecg_wheel_stubs}"
          "-DREADELF=${CMAKE_READELF}" -P "${CMAKE_CURRENT_LIST_DIR}/python_stubs.cmake"
  RESULT_VARIABLE ecg_wheel_status)
if(NOT ecg_wheel_status EQUAL 0)
  message(FATAL_ERROR "cannot write ${ecg_wheel_stubs}")
endif()

set(ECG_TFLM_SOURCES
  "${CMAKE_CURRENT_LIST_DIR}/tflm_log.cc"
  "${CMAKE_CURRENT_LIST_DIR}/python_stub_called.cc"
  "${ecg_wheel_stubs}")

add_library(ecg_tflm INTERFACE)
target_include_directories(ecg_tflm INTERFACE "${CMAKE_CURRENT_LIST_DIR}")
# Found beside the firmware, or above it in the build folder. Linked by name: by
# path, a module without a SONAME would be looked for at that path only.
set(CMAKE_BUILD_RPATH "$ORIGIN" "$ORIGIN/..")
target_link_options(ecg_tflm INTERFACE "-L${ecg_wheel_dir}")
target_link_libraries(ecg_tflm INTERFACE "-l:tflm_wheel.so")
