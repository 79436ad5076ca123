#include "ecg/app.h"

#include "ecg/board.h"
#include "ecg/log_lines.h"

namespace ecg {
namespace {

App app;

// Reads characters until a line is complete, and answers it.
void AnswerOneLine(wire::CommandReader& reader) {
  wire::LineStatus status = wire::LineStatus::kNone;
  while (status == wire::LineStatus::kNone) {
    const int c = board::GetChar();
    if (c < 0) {
      board::Halt(0);
    }
    status = reader.Feed(static_cast<char>(c));
  }
  const wire::Command& command = reader.command();
  const char* answer = "ok";
  switch (status) {
    case wire::LineStatus::kBadCrc:
      answer = "bad_crc";
      break;
    case wire::LineStatus::kBadCommand:
      answer = "bad_command";
      break;
    case wire::LineStatus::kBadArgument:
      answer = "bad_argument";
      break;
    default:
      answer = Execute(app, command);
      break;
  }
  log_lines::Flush();
  wire::Emit(wire::DONE{command.sequence, answer});
  if (status == wire::LineStatus::kOk && command.id == wire::CommandId::kQUIT) {
    board::Halt(0);
  }
}

}  // namespace

void RunApplication() {
  board::Init();
  Boot(app);
  static wire::CommandReader reader;
  for (;;) {
    AnswerOneLine(reader);
  }
}

}  // namespace ecg
