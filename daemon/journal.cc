#include "daemon/journal.h"

#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

// Where in our sources a line was written says nothing to who operates the archive.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <cstdlib>

namespace holdfast {
namespace {

bool send(const log::Line& line) {
  const std::vector<std::string> fields = journal_fields(line);
  std::vector<iovec> pieces;
  pieces.reserve(fields.size());
  for (const std::string& field : fields)
    pieces.push_back({const_cast<char*>(field.data()), field.size()});
  return ::sd_journal_sendv(pieces.data(), static_cast<int>(pieces.size())) >= 0;
}

}  // namespace

std::vector<std::string> journal_fields(const log::Line& line) {
  std::vector<std::string> fields = {
      "PRIORITY=" + std::to_string(static_cast<int>(line.level)),
      "MESSAGE=" + std::string(line.message),
      "SYSLOG_IDENTIFIER=holdfastd",
  };
  if (!line.event.empty()) fields.push_back("HOLDFAST_EVENT=" + std::string(line.event));
  for (const log::Field& field : line.fields)
    fields.push_back("HOLDFAST_" + std::string(field.name) + "=" + field.value);
  return fields;
}

bool is_journal_stream(int fd, const char* stream) {
  struct stat status {};
  if (stream == nullptr || ::fstat(fd, &status) != 0) return false;
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

bool log_to_journal() {
  if (!is_journal_stream(STDERR_FILENO, std::getenv("JOURNAL_STREAM"))) return false;
  log::set_sink(send);
  return true;
}

}  // namespace holdfast
