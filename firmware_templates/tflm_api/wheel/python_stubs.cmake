# Writes C++ definitions of the Python symbols that the wheel's module imports.
#
#   cmake -DTFLM_WHEEL_SO=<_runtime.so> -DOUTPUT=<file.cc> [-DREADELF=<program>] -P python_stubs.cmake
#
# The module is linked so that every symbol must be found when it is loaded
# (BIND_NOW), although TFLM itself calls none of Python. A function stub ends the
# program with its own name; data is a block of zero bytes.

cmake_minimum_required(VERSION 3.20)

if(NOT READELF)
  find_program(READELF NAMES readelf llvm-readelf)
endif()
if(NOT READELF)
  message(FATAL_ERROR "readelf is missing (Debian: apt install binutils)")
endif()

execute_process(
  COMMAND "${READELF}" --relocs --wide "${TFLM_WHEEL_SO}"
  OUTPUT_VARIABLE relocations
  RESULT_VARIABLE status
  ERROR_VARIABLE message)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "readelf cannot read ${TFLM_WHEEL_SO}: ${message}")
endif()

# A called function has a JUMP_SLOT, a function in a static table of slots a plain
# 64-bit address, and data a GLOB_DAT. A name with two kinds is a function.
string(REGEX MATCHALL "R_X86_64_(JUMP_SLOT?|64) +[0-9a-f]+ _?Py[A-Za-z0-9_]+" calls "${relocations}")
string(REGEX MATCHALL "R_X86_64_GLOB_DAT +[0-9a-f]+ _?Py[A-Za-z0-9_]+" others "${relocations}")
# Only undefined symbols have the value 0.
set(functions)
set(objects)
foreach(entry IN LISTS calls)
  if(entry MATCHES " 0+ (_?Py[A-Za-z0-9_]+)$")
    list(APPEND functions "${CMAKE_MATCH_1}")
  endif()
endforeach()
foreach(entry IN LISTS others)
  if(entry MATCHES " 0+ (_?Py[A-Za-z0-9_]+)$")
    list(APPEND objects "${CMAKE_MATCH_1}")
  endif()
endforeach()
list(REMOVE_DUPLICATES functions)
list(REMOVE_DUPLICATES objects)
if(functions AND objects)
  list(REMOVE_ITEM objects ${functions})
endif()
list(SORT functions)
list(SORT objects)
if(NOT functions)
  message(FATAL_ERROR "${TFLM_WHEEL_SO} imports no Python function: not the wheel's _runtime.so")
endif()

set(text "// Generated at configure time from ${TFLM_WHEEL_SO}. Do not edit.\n")
string(APPEND text "extern \"C\" {\n[[noreturn]] void ecg_python_stub_called(const char* name);\n")
foreach(name IN LISTS functions)
  string(APPEND text "void ${name}() { ecg_python_stub_called(\"${name}\"); }\n")
endforeach()
# 512 bytes hold the largest of these objects, a type object.
foreach(name IN LISTS objects)
  string(APPEND text "alignas(16) unsigned char ${name}[512];\n")
endforeach()
string(APPEND text "}\n")

# Rewritten only when it changes, so that a repeated configure rebuilds nothing.
set(old)
if(EXISTS "${OUTPUT}")
  file(READ "${OUTPUT}" old)
endif()
if(NOT old STREQUAL text)
  file(WRITE "${OUTPUT}" "${text}")
endif()
