// The link to the daemon over mount.sock: POST /mount/opens and GET /mount/changes.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "client/http_client.h"
#include "fuse/daemon_link.h"

namespace holdfast {

// Opens go out on as many kept-alive connections as threads ask at once; changes have their own.
class HttpDaemonLink final : public DaemonLink {
 public:
  explicit HttpDaemonLink(std::string socket_path);

  Status record_open(const OpenNotice& notice) override;
  Result<ChangeBatch> changes(int64_t since, Millis wait) override;
  void cancel_changes() override { poll_.cancel(); }

 private:
  std::unique_ptr<HttpClient> take();

  const Endpoint endpoint_;
  HttpClient poll_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<HttpClient>> idle_;  // at most one per thread that ever asked
};

// The body of GET /mount/changes; kInvalid names the member that is wrong.
Result<ChangeBatch> parse_changes(const json::value& body);

}  // namespace holdfast
