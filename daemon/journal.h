// Lines of the log as entries of the journal with fields of their own, when standard error is the
// journal: `journalctl -u holdfastd HOLDFAST_EVENT=move.failed`. docs/monitoring.md lists the
// events. Elsewhere (a terminal, a file, a container) lines go to standard error as text.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"

namespace holdfast {

// Once, before other threads are started. False: standard error is not the journal, and nothing
// changes.
bool log_to_journal();

// Whether `stream` ($JOURNAL_STREAM: "<device>:<inode>", null when it is not set) is what `fd` is.
bool is_journal_stream(int fd, const char* stream);

// "PRIORITY=4", "MESSAGE=…", "HOLDFAST_EVENT=…", "HOLDFAST_PACK=…".
std::vector<std::string> journal_fields(const log::Line& line);

}  // namespace holdfast
