// Compares ecg_tflm_api.h with the binary it declares, from inside a program
// that is linked with that binary. Prints "<what> <value>..." lines; the test
// judges.
//
//   wheel_api_check <model.tflite> <bytes of all inputs> <arena bytes>
//   wheel_api_check python      calls a function of Python, as TFLM never does
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>
#include <vector>

#include "ecg_tflm_api.h"

// The wheel's own resolver holds every operator it has; this is its
// constructor.
extern "C" void _ZN6tflite17PythonOpsResolverC1Ev(void* storage);

extern "C" void PyErr_Print();

extern "C" [[noreturn]] void ecg_python_stub_called(const char* name) {
  std::printf("stub %s\n", name);
  std::abort();
}

namespace {

using tflite::BuiltinOperator;

constexpr std::size_t kGuardedBytes = 65536;
constexpr unsigned char kCanary = 0x5A;

alignas(16) unsigned char g_resolver[kGuardedBytes];
alignas(16) unsigned char g_interpreter[kGuardedBytes];
alignas(16) unsigned char g_arena[1 << 21];

bool SameKernel(const TFLMRegistration& a, const TFLMRegistration& b) {
  return a.init == b.init && a.free == b.free && a.prepare == b.prepare &&
         a.invoke == b.invoke && a.reset == b.reset;
}

std::size_t TouchedEnd(const unsigned char* storage) {
  std::size_t end = kGuardedBytes;
  while (end > 0 && storage[end - 1] == kCanary) {
    --end;
  }
  return end;
}

struct Builtin {
  const char* name;
  int code;
  TFLMRegistration registration;
  tflite::micro::TfLiteBridgeBuiltinParseFunction parser;
};

struct Custom {
  const char* name;
  TFLMRegistration registration;
};

std::vector<Builtin> DeclaredBuiltins() {
  using namespace tflite::micro;
  return {
#define ECG_WHEEL_OP(add, op, code, parse) {#op, code, Register_##op(), parse},
#include "ops_wheel.inc"
  };
}

std::vector<Custom> DeclaredCustoms() {
  using namespace tflite::micro;
  return {
#define ECG_WHEEL_CUSTOM(add, name, registration) {name, *registration()},
#define ECG_WHEEL_SIGNAL(add, name, registration) \
  {name, *tflm_signal::registration()},
#define ECG_WHEEL_CUSTOM_VALUE(add, name, registration) {name, registration()},
#include "ops_wheel.inc"
  };
}

// Reads the wheel's resolver through our declaration of its base class: right
// answers need the right order of virtual functions and the right layout.
void CheckResolver() {
  std::memset(g_resolver, kCanary, sizeof(g_resolver));
  _ZN6tflite17PythonOpsResolverC1Ev(g_resolver);
  const auto* wheel =
      reinterpret_cast<const tflite::MicroOpResolver*>(g_resolver);
  int wheel_builtins = 0;
  for (int code = 0; code < 512; ++code) {
    if (wheel->FindOp(static_cast<BuiltinOperator>(code)) != nullptr) {
      ++wheel_builtins;
    }
  }
  std::printf("wheel_builtins %d\n", wheel_builtins);
  for (const Builtin& declared : DeclaredBuiltins()) {
    const auto code = static_cast<BuiltinOperator>(declared.code);
    const TFLMRegistration* found = wheel->FindOp(code);
    const bool same = found != nullptr &&
                      SameKernel(*found, declared.registration) &&
                      found->builtin_code == declared.code &&
                      wheel->GetOpDataParser(code) == declared.parser;
    std::printf("builtin %s %d\n", declared.name, same ? 1 : 0);
  }
  for (const Custom& declared : DeclaredCustoms()) {
    const TFLMRegistration* found = wheel->FindOp(declared.name);
    const bool same = found != nullptr &&
                      SameKernel(*found, declared.registration) &&
                      std::strcmp(found->custom_name, declared.name) == 0;
    std::printf("custom %s %d\n", declared.name, same ? 1 : 0);
  }
}

void CheckTypeNames() {
  for (int type = 0; type <= 19; ++type) {
    std::printf(
        "type %d %s\n", type, TfLiteTypeGetName(static_cast<TfLiteType>(type)));
  }
}

class Recorder : public tflite::MicroProfilerInterface {
 public:
  std::uint32_t BeginEvent(const char* tag) override {
    std::printf("begin %" PRIu32 " %s\n", next_, tag);
    return next_++;
  }
  void EndEvent(std::uint32_t event_handle) override {
    std::printf("end %" PRIu32 "\n", event_handle);
  }

 private:
  std::uint32_t next_ = 1000;
};

using AllOps = tflite::MicroMutableOpResolver<128>;

void AddTwice(AllOps& resolver,
              const char* name,
              TfLiteStatus (AllOps::*add)()) {
  const TfLiteStatus first = (resolver.*add)();
  const TfLiteStatus second = (resolver.*add)();
  std::printf("add %s %d %d\n", name, first, second);
}

void AddEverything(AllOps& resolver) {
#define ECG_WHEEL_OP(add, op, code, parse) \
  AddTwice(resolver, #op, &AllOps::add);
#define ECG_WHEEL_CUSTOM(add, name, registration) \
  AddTwice(resolver, name, &AllOps::add);
#define ECG_WHEEL_SIGNAL ECG_WHEEL_CUSTOM
#define ECG_WHEEL_CUSTOM_VALUE ECG_WHEEL_CUSTOM
#include "ops_wheel.inc"
}

void PrintTensor(const char* io,
                 std::size_t index,
                 const TfLiteTensor* tensor) {
  std::printf("tensor %s %zu type %s bytes %zu scale %.9g zero %" PRId32
              " variable %d quantization %d dims",
              io,
              index,
              TfLiteTypeGetName(tensor->type),
              tensor->bytes,
              static_cast<double>(tensor->params.scale),
              tensor->params.zero_point,
              tensor->is_variable ? 1 : 0,
              static_cast<int>(tensor->quantization.type));
  for (int i = 0; i < tensor->dims->size; ++i) {
    std::printf(" %d", tensor->dims->data[i]);
  }
  std::printf("\n");
}

// Runs a model in an interpreter whose storage is followed by canaries.
void CheckInterpreter(const std::vector<char>& model_bytes,
                      const std::vector<char>& input_bytes,
                      std::size_t arena_bytes) {
  static AllOps resolver;
  AddEverything(resolver);
  static Recorder recorder;
  const tflite::Model* model = tflite::GetModel(model_bytes.data());
  std::memset(g_interpreter, kCanary, sizeof(g_interpreter));
  auto* interpreter = new (g_interpreter) tflite::MicroInterpreter(
      model, resolver, g_arena, arena_bytes, nullptr, &recorder);
  std::printf("initialized %d\n", interpreter->initialization_status());
  std::printf("allocate %d\n", interpreter->AllocateTensors());
  std::printf("used %zu\n", interpreter->arena_used_bytes());
  std::printf("counts %zu %zu\n",
              interpreter->inputs_size(),
              interpreter->outputs_size());
  std::size_t input_at = 0;
  for (std::size_t i = 0; i < interpreter->inputs_size(); ++i) {
    TfLiteTensor* const input = interpreter->input(i);
    PrintTensor("input", i, input);
    if (input_at + input->bytes > input_bytes.size()) {
      std::printf("short_inputs\n");
      return;
    }
    std::memcpy(input->data.data, input_bytes.data() + input_at, input->bytes);
    input_at += input->bytes;
  }
  std::printf("invoke %d\n", interpreter->Invoke());
  for (std::size_t i = 0; i < interpreter->outputs_size(); ++i) {
    const TfLiteTensor* const output = interpreter->output(i);
    PrintTensor("output", i, output);
    std::printf("bytes ");
    for (std::size_t at = 0; at < output->bytes; ++at) {
      std::printf("%02x", output->data.uint8[at]);
    }
    std::printf("\n");
  }
  std::printf("reset %d\n", interpreter->Reset());
  std::printf("touched %zu\n", TouchedEnd(g_interpreter));
  interpreter->~MicroInterpreter();
  auto* allocator = tflite::MicroAllocator::Create(g_arena, arena_bytes);
  interpreter =
      new (g_interpreter) tflite::MicroInterpreter(model, resolver, allocator);
  std::printf("allocate_second %d\n", interpreter->AllocateTensors());
  interpreter->~MicroInterpreter();
}

void CheckFullResolver() {
  tflite::MicroMutableOpResolver<1> small;
  const TfLiteStatus first = small.AddConv2D();
  const TfLiteStatus second = small.AddSoftmax();
  std::printf(
      "capacity %d %d %u\n", first, second, small.GetRegistrationLength());
}

std::vector<char> ReadAll(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file),
          std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::printf("size %zu\n", sizeof(tflite::MicroInterpreter));
  CheckResolver();
  CheckTypeNames();
  CheckFullResolver();
  if (argc == 2) {
    PyErr_Print();
  }
  if (argc == 4) {
    CheckInterpreter(ReadAll(argv[1]),
                     ReadAll(argv[2]),
                     static_cast<std::size_t>(std::atol(argv[3])));
  }
  return 0;
}
