// Text that the runtime prints, turned into LOG records: whole lines, so that
// it can never fall into the middle of a record.
#pragma once

namespace ecg::log_lines {

// Takes any piece of text; sends a record at each line end, or when a line is
// longer than a record holds.
void Write(const char* text);

// Sends what has been written since the last line end.
void Flush();

// While muted, text is dropped: what fails on purpose is no news.
void Mute(bool is_muted);

}  // namespace ecg::log_lines
