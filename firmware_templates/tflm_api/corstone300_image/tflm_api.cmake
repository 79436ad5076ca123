# TFLM with CMSIS-NN as it is compiled into Arm's prebuilt Corstone-300 image.
#   TFLM_IMAGE   path of the image (.axf)
#
# The image is a linked program. What TFLM needs of it is cut out as raw bytes
# and linked in at the same addresses: its code in ITCM (less the vector table),
# its code in DDR, and the load image of what it copies to BRAM at start. Its own
# application's model, arena, stack and heap stay behind. Of its symbols only
# those in api_symbols.txt are visible to our code.
set(TFLM_IMAGE "" CACHE FILEPATH "Arm's prebuilt Corstone-300 image (.axf)")
if(NOT EXISTS "${TFLM_IMAGE}")
  message(FATAL_ERROR
    "TFLM_IMAGE='${TFLM_IMAGE}' does not exist. Pass -DTFLM_IMAGE=<path of the .axf>")
endif()

set(_image_dir ${CMAKE_CURRENT_BINARY_DIR}/image)
file(MAKE_DIRECTORY ${_image_dir})
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  "${TFLM_IMAGE}" ${CMAKE_CURRENT_LIST_DIR}/api_symbols.txt)

execute_process(COMMAND ${CMAKE_OBJDUMP} -h "${TFLM_IMAGE}"
  OUTPUT_VARIABLE _sections RESULT_VARIABLE _failed)
if(_failed)
  message(FATAL_ERROR "${CMAKE_OBJDUMP} cannot read TFLM_IMAGE='${TFLM_IMAGE}'")
endif()

# Sets <out> to the load address of a section: the fourth column of objdump -h.
function(ecg_image_load_address section out)
  string(REPLACE "." "\\." pattern "${section}")
  if(NOT _sections MATCHES " ${pattern} +[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) ")
    message(FATAL_ERROR "TFLM_IMAGE='${TFLM_IMAGE}' has no section ${section}: not the image")
  endif()
  set(${out} 0x${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()

# What is extracted depends on these; it is left alone while they stay the same,
# so that configuring again rebuilds nothing.
file(SHA256 "${TFLM_IMAGE}" _image_sha256)
file(SHA256 ${CMAKE_CURRENT_LIST_DIR}/api_symbols.txt _symbols_sha256)
file(SHA256 ${CMAKE_CURRENT_LIST_FILE} _recipe_sha256)
set(_extracted "${_image_sha256} ${_symbols_sha256} ${_recipe_sha256}")
set(_is_extracted FALSE)
if(EXISTS ${_image_dir}/extracted.txt)
  file(READ ${_image_dir}/extracted.txt _before)
  if(_before STREQUAL _extracted)
    set(_is_extracted TRUE)
  endif()
endif()

# Writes the bytes of some adjacent sections to image/<name>.bin.
function(ecg_image_extract name)
  list(TRANSFORM ARGN PREPEND "--only-section=" OUTPUT_VARIABLE only)
  execute_process(
    COMMAND ${CMAKE_OBJCOPY} -O binary ${only} "${TFLM_IMAGE}" ${_image_dir}/${name}.bin
    RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "cannot extract ${ARGN} of TFLM_IMAGE='${TFLM_IMAGE}'")
  endif()
endfunction()

ecg_image_load_address(.text.at_ddr _ddr_address)
ecg_image_load_address(.bram.at_ddr _bram_address)
if(NOT _is_extracted)
  ecg_image_extract(itcm
    .text.at_itcm .ARM.exidx.at_itcm .zero.table.at_itcm .copy.table.at_itcm)
  ecg_image_extract(ddr .text.at_ddr)
  ecg_image_extract(bram .bram.at_ddr .data.at_ddr)
  execute_process(
    COMMAND ${CMAKE_OBJCOPY} --strip-all
      --keep-symbols=${CMAKE_CURRENT_LIST_DIR}/api_symbols.txt
      "${TFLM_IMAGE}" ${_image_dir}/symbols.elf
    RESULT_VARIABLE _failed)
  if(_failed)
    message(FATAL_ERROR "cannot read the symbols of TFLM_IMAGE='${TFLM_IMAGE}'")
  endif()
  file(WRITE ${_image_dir}/extracted.txt "${_extracted}")
endif()

# 0x40 bytes of vectors are ours.
file(CONFIGURE OUTPUT ${_image_dir}/image.S @ONLY CONTENT [[
  .section .image_itcm, "ax", %progbits
  .incbin "@_image_dir@/itcm.bin", 0x40
  .section .image_ddr, "ax", %progbits
  .incbin "@_image_dir@/ddr.bin"
  .section .image_bram, "ax", %progbits
  .incbin "@_image_dir@/bram.bin"
]])
file(CONFIGURE OUTPUT ${_image_dir}/image_sections.ld @ONLY CONTENT [[
.image_itcm 0x40 : { KEEP(*(.image_itcm)) }
.image_ddr @_ddr_address@ : { KEEP(*(.image_ddr)) }
.image_bram @_bram_address@ : { KEEP(*(.image_bram)) }
ASSERT(SIZEOF(.image_itcm) + 0x40 <= 0x70000, "the image reaches into our code")
]])
file(CONFIGURE OUTPUT ${_image_dir}/code_region.ld CONTENT [[
CODE (rx) : ORIGIN = 0x00070000, LENGTH = 64K
]])

add_library(ecg_tflm INTERFACE)
target_include_directories(ecg_tflm INTERFACE ${CMAKE_CURRENT_LIST_DIR})
target_link_options(ecg_tflm INTERFACE -Wl,--just-symbols=${_image_dir}/symbols.elf)
set(ECG_TFLM_SOURCES ${CMAKE_CURRENT_LIST_DIR}/tflm_log.cc ${_image_dir}/image.S)
# The extracted bytes are inputs of the build that no dependency scan sees.
set_source_files_properties(${_image_dir}/image.S PROPERTIES OBJECT_DEPENDS
  "${_image_dir}/itcm.bin;${_image_dir}/ddr.bin;${_image_dir}/bram.bin")
list(APPEND ECG_LINK_DEPENDS ${_image_dir}/symbols.elf ${_image_dir}/image_sections.ld
  ${_image_dir}/code_region.ld)
