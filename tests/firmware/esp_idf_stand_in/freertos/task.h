#pragma once

#include "freertos/FreeRTOS.h"

typedef void (*TaskFunction_t)(void*);
typedef struct tskTaskControlBlock* TaskHandle_t;

#ifdef __cplusplus
extern "C" {
#endif

TaskHandle_t xTaskCreateStaticPinnedToCore(TaskFunction_t pxTaskCode,
                                           const char* const pcName,
                                           const uint32_t ulStackDepth,
                                           void* const pvParameters,
                                           UBaseType_t uxPriority,
                                           StackType_t* const puxStackBuffer,
                                           StaticTask_t* const pxTaskBuffer,
                                           const BaseType_t xCoreID);
void vTaskDelay(const TickType_t xTicksToDelay);

#ifdef __cplusplus
}
#endif
