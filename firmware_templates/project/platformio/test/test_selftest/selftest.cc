// The test is the firmware itself: at its start it runs the golden vector and
// compares every output byte. PlatformIO wants a source file here.
namespace {

[[maybe_unused]] constexpr int kNothing = 0;

}  // namespace
