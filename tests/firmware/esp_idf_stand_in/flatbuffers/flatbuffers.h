// Included by the stand-in of TFLM; nothing of it is used.
#pragma once
