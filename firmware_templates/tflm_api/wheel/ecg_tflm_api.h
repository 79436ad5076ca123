// TFLM's public C++ API as it is compiled into the tflite-micro wheel, declared
// by hand: the wheel's Python module exports TFLM's symbols, but has no
// headers. Names and layout follow the module's symbols, virtual tables and
// code, and a test compares them with it. The declarations fit that one build
// of TFLM; port/host/port.cmake accepts no other unless told to.
//
// This is not TFLM's source tree: no path here starts with tensorflow/, and the
// two can never be used in one translation unit.
#pragma once

#if defined(TENSORFLOW_LITE_MICRO_MICRO_INTERPRETER_H_) ||         \
    defined(TENSORFLOW_LITE_MICRO_MICRO_MUTABLE_OP_RESOLVER_H_) || \
    defined(TENSORFLOW_LITE_MICRO_MICRO_ALLOCATOR_H_) ||           \
    defined(TENSORFLOW_LITE_MICRO_C_COMMON_H_) ||                  \
    defined(TENSORFLOW_LITE_MICRO_C_C_API_TYPES_H_) ||             \
    defined(TENSORFLOW_LITE_C_COMMON_H_) ||                        \
    defined(TENSORFLOW_LITE_CORE_C_COMMON_H_) ||                   \
    defined(TENSORFLOW_LITE_CORE_C_C_API_TYPES_H_)
#error "TFLM's own headers are included: use tflm_api/upstream instead"
#endif

#include "wheel_c_types.h"
#include "wheel_interpreter.h"
#include "wheel_op_resolver.h"
