#include "model_data.h"

namespace ecg {

alignas(16) extern const
    unsigned char kModelData[] = {'1', '2', '3', '4', '5', '6', '7', '8', '9'};

}  // namespace ecg
