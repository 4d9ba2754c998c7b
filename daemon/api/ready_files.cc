#include "daemon/api/ready_files.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace holdfast::api {
namespace {

constexpr Millis kIdle = seconds(5);

}  // namespace

size_t ready_files_capacity(size_t descriptors) {
  return std::min(limits::kReadyFilesMax, descriptors / 8);
}

ReadyFiles::ReadyFiles(const Clock& clock, const Writer& writer, AccessMemory& access,
                       DigestMemory& digests, RequestMeters& meters, size_t capacity)
    : clock_(clock),
      writer_(writer),
      access_(access),
      digests_(digests),
      meters_(meters),
      capacity_(capacity) {}

bool ReadyFiles::is_good(const ReadyFile& file) const {
  if (file.changes != writer_.changes() || clock_.now() >= file.expires_at) return false;
  struct stat status {};
  return ::fstat(file.fd->get(), &status) == 0 && status.st_nlink > 0 &&
         digests_.is_fresh(identity_of(status), *file.facts.sha256);
}

bool ReadyFiles::answer(http::Exchange& exchange) {
  const http::Request& request = exchange.request();
  const bool may_be = request.method == http::Method::kGet &&
                      request.listener != http::ListenerKind::kMount && !entries_.empty();
  if (!may_be) return false;
  const auto found = entries_.find(request.target);
  if (found == entries_.end() || request.headers.count("authorization") > 0) return false;
  ReadyFile& file = found->second.file;
  if (!is_good(file)) {
    entries_.erase(found);
    return false;
  }
  http::FilePlan plan = http::plan_file(request, file.facts);
  const bool bytes = plan.status == 200 || plan.status == 206;
  if (bytes && !access_.is_open(file.access_key, Bytes(plan.length))) return false;
  found->second.used_at = clock_.monotonic();
  http::FileResponse response;
  response.status = plan.status;
  response.headers = std::move(plan.headers);
  response.fd = file.fd->get();
  response.keeper = file.fd;
  response.offset = plan.offset;
  response.length = plan.length;
  meters_.count(RouteClass::kDownload, plan.status, Millis(0));
  exchange.respond_file(std::move(response));
  return true;
}

void ReadyFiles::keep(const std::string& target, ReadyFile file) {
  if (entries_.size() >= capacity_ && entries_.count(target) == 0) return;
  entries_.insert_or_assign(target, Entry{std::move(file), clock_.monotonic()});
}

void ReadyFiles::forget_idle() {
  const Millis now = clock_.monotonic();
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const bool is_idle = now.count - entry->second.used_at.count >= kIdle.count;
    entry = is_idle || !is_good(entry->second.file) ? entries_.erase(entry) : std::next(entry);
  }
}

}  // namespace holdfast::api
