// TFLM's public C++ API as it is compiled into Arm's prebuilt image, declared
// by hand: the image comes without headers. Names and layout follow the image's
// debug information, and a test compares them with it.
//
// This is not TFLM's source tree: no path here starts with tensorflow/, and the
// two can never be used in one translation unit.
#pragma once

#if defined(TENSORFLOW_LITE_MICRO_MICRO_INTERPRETER_H_) ||         \
    defined(TENSORFLOW_LITE_MICRO_MICRO_MUTABLE_OP_RESOLVER_H_) || \
    defined(TENSORFLOW_LITE_MICRO_MICRO_ALLOCATOR_H_) ||           \
    defined(TENSORFLOW_LITE_C_COMMON_H_) ||                        \
    defined(TENSORFLOW_LITE_CORE_C_COMMON_H_) ||                   \
    defined(TENSORFLOW_LITE_CORE_C_C_API_TYPES_H_)
#error "TFLM's own headers are included: use tflm_api/upstream instead"
#endif

#include "image_c_types.h"
#include "image_interpreter.h"
#include "image_op_resolver.h"
