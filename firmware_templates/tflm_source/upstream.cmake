# TFLM from its own source tree: compiles the interpreter and only the kernels
# that the model uses, from reference code or CMSIS-NN, never both of one
# operator. The facts are in upstream/recipe.json; the model's operators and the
# kernel library in generated/project.cmake.
#
#   TFLM_DIR   root of the tree, made by "tflm-gen deps get tflm" or a checkout
#              with its tensorflow/lite/micro/tools/make/downloads filled
#
# Defines the library ecg_tflm. Its warnings are its own business; the
# application's warning flags do not reach it.
set(TFLM_DIR "" CACHE PATH "TFLM's source tree")
set(_tflm_marker tensorflow/lite/micro/micro_interpreter.h)
if(NOT EXISTS "${TFLM_DIR}/${_tflm_marker}")
  message(FATAL_ERROR
    "TFLM_DIR='${TFLM_DIR}' holds no ${_tflm_marker}. "
    "Configure with -DTFLM_DIR=<TFLM's source tree>.")
endif()

set(_tflm_recipe_file "${CMAKE_CURRENT_LIST_DIR}/upstream/recipe.json")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${_tflm_recipe_file}")
file(READ "${_tflm_recipe_file}" _tflm_recipe)

# Sets ${out} to the JSON list at a path of the recipe; empty if there is none.
function(_tflm_list out)
  string(JSON count ERROR_VARIABLE missing LENGTH "${_tflm_recipe}" ${ARGN})
  set(items "")
  if(NOT missing AND count GREATER 0)
    math(EXPR last "${count} - 1")
    foreach(i RANGE ${last})
      string(JSON item GET "${_tflm_recipe}" ${ARGN} ${i})
      list(APPEND items "${item}")
    endforeach()
  endif()
  set(${out} "${items}" PARENT_SCOPE)
endfunction()

string(JSON _tflm_read_at GET "${_tflm_recipe}" read_at)
string(JSON _tflm_wanted GET "${_tflm_recipe}" tflm_commit)

# --- Base: every file of upstream's own folders, less tests and hosts -----------
_tflm_list(_tflm_folders base folders)
_tflm_list(_tflm_older base older_folders)
_tflm_list(_tflm_leave_out base leave_out)
_tflm_list(_tflm_required base required)
set(_tflm_base "")
foreach(folder IN LISTS _tflm_folders _tflm_older)
  file(GLOB found CONFIGURE_DEPENDS "${TFLM_DIR}/${folder}/*.cc")
  list(APPEND _tflm_base ${found})
endforeach()
foreach(pattern IN LISTS _tflm_leave_out)
  list(FILTER _tflm_base EXCLUDE REGEX "${pattern}")
endforeach()
foreach(source IN LISTS _tflm_required)
  if(NOT EXISTS "${TFLM_DIR}/${source}")
    message(WARNING
      "${TFLM_DIR} has no ${source}: it is not the revision that the recipe was "
      "read at (${_tflm_read_at}; wanted ${_tflm_wanted})")
  endif()
endforeach()

# --- Kernels: of the model's operators, each file once --------------------------
string(REPLACE "-" "_" _tflm_kernels "${ECG_KERNELS}")  # cmsis-nn -> cmsis_nn
set(_tflm_kernel_sources "")
set(_tflm_nn_folders "")
foreach(op IN LISTS ECG_TFLM_OPS)
  string(JSON why ERROR_VARIABLE is_supported GET "${_tflm_recipe}" unsupported "${op}")
  if(NOT is_supported)
    message(FATAL_ERROR "operator ${op} cannot be built from upstream TFLM: ${why}")
  endif()
  _tflm_list(sources operators "${op}" "${_tflm_kernels}")
  if(sources AND _tflm_kernels STREQUAL "cmsis_nn")
    _tflm_list(nn_folders operators "${op}" cmsis_nn_folders)
    list(APPEND _tflm_nn_folders ${nn_folders})
  elseif(NOT sources)  # The library has no kernel of its own for this operator.
    _tflm_list(sources operators "${op}" reference)
  endif()
  if(NOT sources)
    message(FATAL_ERROR "the recipe has no sources for operator ${op}")
  endif()
  list(APPEND _tflm_kernel_sources ${sources})
endforeach()
_tflm_list(_tflm_shared shared_kernels required)
list(APPEND _tflm_kernel_sources ${_tflm_shared})
_tflm_list(_tflm_shared shared_kernels if_present)
foreach(source IN LISTS _tflm_shared)
  if(EXISTS "${TFLM_DIR}/${source}")
    list(APPEND _tflm_kernel_sources ${source})
  endif()
endforeach()
list(REMOVE_DUPLICATES _tflm_kernel_sources)
foreach(source IN LISTS _tflm_kernel_sources)
  if(NOT EXISTS "${TFLM_DIR}/${source}")
    message(FATAL_ERROR
      "${TFLM_DIR} has no ${source}; the recipe was read at ${_tflm_read_at} "
      "(wanted ${_tflm_wanted})")
  endif()
endforeach()
list(TRANSFORM _tflm_kernel_sources PREPEND "${TFLM_DIR}/")

# --- Third-party parts: ours in third_party_deps, or upstream's downloads -------
set(_tflm_includes "${TFLM_DIR}")
string(JSON _tflm_part_count LENGTH "${_tflm_recipe}" third_party)
math(EXPR _tflm_last_part "${_tflm_part_count} - 1")
foreach(i RANGE ${_tflm_last_part})
  string(JSON name GET "${_tflm_recipe}" third_party ${i} name)
  string(JSON marker GET "${_tflm_recipe}" third_party ${i} marker)
  _tflm_list(needed_for third_party ${i} needed_for)
  _tflm_list(includes third_party ${i} includes)
  set(root "")
  foreach(home third_party_deps tensorflow/lite/micro/tools/make/downloads)
    if(NOT root AND EXISTS "${TFLM_DIR}/${home}/${name}/${marker}")
      set(root "${TFLM_DIR}/${home}/${name}")
    endif()
  endforeach()
  if(root)
    foreach(include IN LISTS includes)
      list(APPEND _tflm_includes "${root}/${include}")
    endforeach()
    set(_tflm_part_${name} "${root}")
  elseif(ECG_KERNELS IN_LIST needed_for)
    message(FATAL_ERROR
      "${TFLM_DIR} lacks ${name}: no third_party_deps/${name}/${marker}. "
      "Run: tflm-gen deps get tflm (or upstream's own third_party_downloads).")
  endif()
endforeach()

# --- CMSIS-NN: the folders that the kernels call into; the linker takes the rest -
set(_tflm_nn_sources "")
if(_tflm_nn_folders)
  list(REMOVE_DUPLICATES _tflm_nn_folders)
  foreach(folder IN LISTS _tflm_nn_folders)
    file(GLOB found CONFIGURE_DEPENDS "${_tflm_part_cmsis_nn}/Source/${folder}/*.c")
    if(NOT found)
      message(FATAL_ERROR "${_tflm_part_cmsis_nn} has no sources in Source/${folder}")
    endif()
    list(APPEND _tflm_nn_sources ${found})
  endforeach()
endif()

_tflm_list(_tflm_defines defines all)
_tflm_list(_tflm_kernel_defines defines "${ECG_KERNELS}")

add_library(ecg_tflm STATIC
  ${_tflm_base} ${_tflm_kernel_sources} ${_tflm_nn_sources})
target_include_directories(ecg_tflm SYSTEM PUBLIC ${_tflm_includes})
# The layout of TFLM's types depends on some of these: whoever includes its
# headers must have them too.
target_compile_definitions(ecg_tflm PUBLIC ${_tflm_defines} ${_tflm_kernel_defines})
target_compile_options(ecg_tflm PRIVATE
  -w -g -ffunction-sections -fdata-sections
  -fno-asynchronous-unwind-tables -fno-unwind-tables
  "$<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions;-fno-rtti;-fno-threadsafe-statics>")
if(ECG_CPU)
  target_compile_options(ecg_tflm PRIVATE
    -mcpu=${ECG_CPU} -mthumb -mfloat-abi=${ECG_FLOAT_ABI})
endif()
target_link_libraries(ecg_tflm PUBLIC m)

# Upstream's own levels: size for the interpreter, speed for what runs per sample.
set_property(SOURCE ${_tflm_base} APPEND PROPERTY COMPILE_OPTIONS -Os)
set_property(SOURCE ${_tflm_kernel_sources} APPEND PROPERTY COMPILE_OPTIONS -O2)
if(_tflm_nn_sources)
  set_property(SOURCE ${_tflm_nn_sources} APPEND PROPERTY COMPILE_OPTIONS -O3)
endif()
