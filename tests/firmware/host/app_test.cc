// The whole application on a fake board with a fake engine.
#include "ecg/app.h"

#include <string>
#include <vector>

#include "check.h"
#include "fake_board.h"
#include "fake_engine.h"

namespace {

using Lines = std::vector<std::string>;

// Boots, sends these commands, ends with the input; all lines written.
Lines Run(const std::vector<std::string>& commands) {
  std::uint32_t sequence = 0;
  for (const std::string& command : commands) {
    fake::console_input += fake::Framed(sequence++, command);
  }
  try {
    ecg::RunApplication();
  } catch (const fake::Halted& halted) {
    EXPECT_EQ(halted.status, 0);
  }
  return fake::TakeLines();
}

std::string Only(const Lines& lines, const std::string& record) {
  const Lines found = fake::Records(lines, record);
  EXPECT_EQ(found.size(), 1U);
  return found[0];
}

// The last word of each DONE: "ok failed ...".
std::string Answers(const Lines& lines) {
  std::string words;
  for (const std::string& done : fake::Records(lines, "DONE")) {
    words += (words.empty() ? "" : " ") + done.substr(done.rfind('=') + 1);
  }
  return words;
}

}  // namespace

ECG_TEST(BootTellsEverythingInOrder) {
  const Lines lines = Run({});
  std::string names;
  for (const std::string& line : lines) {
    const std::string payload = fake::Payload(line);
    names += payload.substr(0, payload.find(' ')) + " ";
  }
  EXPECT_EQ(
      names,
      "BANNER TIMER PHASE PHASE TENSOR TENSOR ARENA LATENCY PHASE LATENCY "
      "SELFTEST ARENA PHASE NEED STACK READY ");
  EXPECT_EQ(fake::Payload(lines[0]),
            "BANNER wire=1 firmware=1.2.3 board=fake%20board engine=fake "
            "kernels=none runtime=100%25%20\"fake\" model=beat%24net%2A "
            "model_bytes=9 model_crc=0xcbf43926 model_sha256=abc");
  EXPECT_EQ(fake::Payload(lines[4]),
            "TENSOR io=input index=0 dtype=int8 bytes=8 dims=1x8 "
            "scale=0x3f000000 zero_point=-3");
  EXPECT_EQ(Only(lines, "SELFTEST"),
            "SELFTEST bytes=8 equal=1 first_difference=-1");
  EXPECT_EQ(Only(lines, "NEED"), "NEED low=256 high=256 trials=0");
  EXPECT_EQ(Only(lines, "READY"), "READY status=0");
}

ECG_TEST(StartUpFindsTheSmallestArenaInOneTrial) {
  fake::engine.used_bytes = 41;
  fake::engine.needs_bytes = 48;
  const Lines lines = Run({"HELLO", "INVOKE"});
  EXPECT_EQ(fake::Records(lines, "NEED")[0], "NEED low=48 high=48 trials=1");
  EXPECT_EQ(fake::Records(lines, "NEED")[1], "NEED low=48 high=48 trials=1");
  // The whole arena is in use again.
  EXPECT_EQ(Answers(lines), "ok ok");
  EXPECT_EQ(fake::engine.builds, 3U);
}

ECG_TEST(StartUpClimbsWhereTheRuntimesFigureIsTooSmall) {
  fake::engine.used_bytes = 48;
  fake::engine.needs_bytes = 160;
  const Lines lines = Run({"PROBE arena=64"});
  EXPECT_EQ(Only(lines, "NEED"), "NEED low=160 high=160 trials=5");
  // What failed at start-up was on purpose; what fails later is said.
  EXPECT_EQ(Only(lines, "LOG"), "LOG text=no%20room");
}

ECG_TEST(AnArenaThatIsOverrunIsTooSmall) {
  fake::engine.used_bytes = 48;
  fake::engine.overrun_bytes = 1;
  const Lines lines = Run({});
  EXPECT_EQ(Only(lines, "NEED").substr(0, 22), "NEED low=256 high=256 ");
}

ECG_TEST(NoArenaBelowTheFloorIsTried) {
  fake::engine.used_bytes = 16;
  fake::engine.needs_bytes = 16;
  EXPECT_EQ(Only(Run({}), "NEED"), "NEED low=16 high=32 trials=1");
}

ECG_TEST(ACounterThatStandsStillIsNoticed) {
  fake::ticks_per_read = 0;
  EXPECT_EQ(Only(Run({}), "TIMER"),
            "TIMER source=fake hz=1000000 advancing=0 read_overhead_ticks=0");
}

ECG_TEST(ARunningCounterIsNoticedWithItsOverhead) {
  EXPECT_EQ(Only(Run({}), "TIMER"),
            "TIMER source=fake hz=1000000 advancing=1 read_overhead_ticks=7");
}

ECG_TEST(AFailedResolverIsReportedByOperatorAndCommandsStillWork) {
  fake::engine.resolver_fails = true;
  const Lines lines = Run({"HELLO", "INVOKE", "READ output=0", "RESET"});
  EXPECT_EQ(fake::Records(lines, "ERROR")[0],
            "ERROR where=resolver detail=CONV_2D value=0");
  EXPECT_EQ(fake::Records(lines, "READY")[0], "READY status=1");
  EXPECT_EQ(Answers(lines), "ok failed failed ok");
}

ECG_TEST(AFailedAllocationIsReported) {
  fake::engine.needs_bytes = 1000;
  const Lines lines = Run({"INVOKE", "BENCH warmup=0 runs=1 profile=0"});
  EXPECT_EQ(fake::Records(lines, "ERROR")[0],
            "ERROR where=allocate detail=arena value=256");
  EXPECT_EQ(Only(lines, "READY"), "READY status=2");
  EXPECT_EQ(Answers(lines), "failed failed");
}

ECG_TEST(AFailedFirstInferenceIsReported) {
  fake::engine.failing_invoke = 1;
  EXPECT_EQ(Only(Run({}), "READY"), "READY status=3");
}

ECG_TEST(AWrongOutputIsReported) {
  fake::engine.right_from_bytes = 1000;
  const Lines lines = Run({});
  EXPECT_EQ(Only(lines, "SELFTEST"),
            "SELFTEST bytes=8 equal=0 first_difference=0");
  EXPECT_EQ(Only(lines, "READY"), "READY status=4");
}

ECG_TEST(WrittenInputsAreUsedByEveryInference) {
  const Lines lines = Run({"WRITE input=0 offset=2 data=aabb",
                           "INVOKE",
                           "INVOKE",
                           "READ output=0"});
  EXPECT_EQ(Answers(lines), "ok ok ok ok");
  EXPECT_EQ(Only(lines, "OUTPUT"),
            "OUTPUT index=0 offset=0 total=8 data=0102abbcfdfeff00");
}

ECG_TEST(WritesOutsideAnInputAreRefused) {
  EXPECT_EQ(
      Answers(Run({"WRITE input=1 offset=0 data=00",
                   "WRITE input=0 offset=9 data=",
                   "WRITE input=0 offset=8 data=",
                   "WRITE input=0 offset=7 data=0000",
                   "WRITE input=4294967295 offset=4294967295 data=00",
                   "READ output=1"})),
      "bad_argument bad_argument ok bad_argument bad_argument bad_argument");
}

ECG_TEST(BenchTimesWithoutAnObserverAndTracesOneRun) {
  const Lines lines = Run({"BENCH warmup=2 runs=300 profile=1"});
  const Lines runs = fake::Records(lines, "LATENCY");
  EXPECT_EQ(runs.size(), 302U);
  EXPECT_EQ(runs[2], "LATENCY what=invoke run=0 ticks=7");
  EXPECT_EQ(runs[301], "LATENCY what=invoke run=299 ticks=7");
  const Lines ops = fake::Records(lines, "OP");
  EXPECT_EQ(ops.size(), 2U);
  EXPECT_EQ(ops[0], "OP index=0 op=FIRST ticks=7");
  EXPECT_EQ(ops[1], "OP index=1 op=SECOND ticks=7");
  EXPECT_EQ(fake::engine.has_trace, true);
  // Boot, 2 + 300, and 2 for the profile.
  EXPECT_EQ(fake::engine.invokes, 305U);
  EXPECT_EQ(Answers(lines), "ok");
}

ECG_TEST(BenchWithoutRunsDoesNothing) {
  const Lines lines = Run({"BENCH warmup=0 runs=0 profile=0"});
  EXPECT_EQ(fake::Records(lines, "LATENCY").size(), 2U);
  EXPECT_EQ(fake::Records(lines, "OP").size(), 0U);
  EXPECT_EQ(Answers(lines), "ok");
}

ECG_TEST(BenchSaysThatOperatorsWereDropped) {
  fake::engine.operators = 5;
  const Lines lines = Run({"BENCH warmup=0 runs=0 profile=1"});
  EXPECT_EQ(fake::Records(lines, "OP").size(), 3U);
  EXPECT_EQ(
      Only(lines, "ERROR"),
      "ERROR where=bench detail=more%20operators%20than%20kMaxOps value=2");
  EXPECT_EQ(Answers(lines), "failed");
}

ECG_TEST(BenchStopsAtAFailure) {
  fake::engine.failing_invoke = 4;
  const Lines lines = Run({"BENCH warmup=1 runs=5 profile=1", "INVOKE"});
  EXPECT_EQ(Only(lines, "ERROR"), "ERROR where=bench detail=invoke value=1");
  EXPECT_EQ(Answers(lines), "failed ok");
}

ECG_TEST(ProbeSaysWhatHappenedInThatMuchArena) {
  fake::engine.needs_bytes = 64;
  fake::engine.right_from_bytes = 128;
  const Lines lines = Run({"PROBE arena=48",
                           "PROBE arena=64",
                           "PROBE arena=128",
                           "PROBE arena=256",
                           "INVOKE",
                           "READ output=0"});
  const Lines probed = fake::Records(lines, "PROBED");
  EXPECT_EQ(probed[0], "PROBED arena=48 result=allocate_failed used=256");
  EXPECT_EQ(probed[1], "PROBED arena=64 result=mismatch used=256");
  EXPECT_EQ(probed[2], "PROBED arena=128 result=ok used=256");
  EXPECT_EQ(probed[3], "PROBED arena=256 result=ok used=256");
  EXPECT_EQ(Answers(lines), "ok ok ok ok ok ok");
  EXPECT_EQ(Only(lines, "OUTPUT"),
            "OUTPUT index=0 offset=0 total=8 data=01020304fdfeff00");
}

ECG_TEST(ProbeNoticesAnOverrun) {
  fake::engine.overrun_bytes = 1;
  const Lines lines = Run({"PROBE arena=128"});
  EXPECT_EQ(Only(lines, "PROBED"), "PROBED arena=128 result=overrun used=256");
}

ECG_TEST(ProbeReportsAFailedInference) {
  fake::engine.failing_invoke = 2;
  EXPECT_EQ(Only(Run({"PROBE arena=128"}), "PROBED"),
            "PROBED arena=128 result=invoke_failed used=256");
}

ECG_TEST(ProbeRefusesSizesThatAreNone) {
  EXPECT_EQ(
      Answers(
          Run({"PROBE arena=272", "PROBE arena=40", "PROBE arena=4294967280"})),
      "bad_argument bad_argument bad_argument");
}

ECG_TEST(ABrokenGuardIsReported) {
  fake::engine.breaks_guard = true;
  const Lines lines = Run({});
  EXPECT_EQ(fake::Records(lines, "ERROR")[0],
            "ERROR where=allocate detail=interpreter value=-1");
}

ECG_TEST(AnArenaOverrunBreaksItsGuard) {
  fake::engine.overrun_bytes = 1;
  EXPECT_EQ(fake::Records(Run({}), "ERROR")[0],
            "ERROR where=allocate detail=arena value=-1");
}

ECG_TEST(ResetBuildsTheRuntimeAgain) {
  const Lines lines = Run({"RESET", "INVOKE"});
  EXPECT_EQ(fake::engine.builds, 2U);
  EXPECT_EQ(Answers(lines), "ok ok");
}

ECG_TEST(HelloRepeatsTheStartUpReport) {
  const Lines lines = Run({"HELLO"});
  EXPECT_EQ(fake::Records(lines, "BANNER").size(), 2U);
  EXPECT_EQ(fake::Records(lines, "SELFTEST")[1],
            fake::Records(lines, "SELFTEST")[0]);
  EXPECT_EQ(fake::Records(lines, "TIMER")[1], fake::Records(lines, "TIMER")[0]);
  EXPECT_EQ(fake::Records(lines, "READY").size(), 2U);
}

ECG_TEST(BadLinesAreAnswered) {
  fake::console_input = "garbage\n$9 HELLO *00000000\n";
  const Lines lines = Run({"NOPE", "READ output=x"});
  EXPECT_EQ(Answers(lines), "bad_crc bad_command bad_argument");
  EXPECT_EQ(fake::Records(lines, "DONE")[0], "DONE command=9 status=bad_crc");
}

ECG_TEST(NothingIsReadAfterQuit) {
  const Lines lines = Run({"QUIT", "INVOKE"});
  EXPECT_EQ(Answers(lines), "ok");
}

ECG_TEST(InjectionIsRefusedUnlessBuiltIn) {
  const Lines lines = Run({"INJECT kind=fault", "INJECT kind=nonsense"});
  EXPECT_EQ(Answers(lines), ECG_TEST_FAULTS ? "" : "failed failed");
}
