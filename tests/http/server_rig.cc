#include "tests/http/server_rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <future>
#include <stdexcept>
#include <utility>

#include "daemon/http/file_semantics.h"
#include "daemon/http/multipart.h"
#include "daemon/http/problem.h"

namespace holdfast::http::test {
namespace {

class PausingSink final : public BodySink {
 public:
  PausingSink(Loop& loop, std::vector<std::thread>& threads, std::shared_ptr<Exchange> exchange,
              std::atomic<int>& errors)
      : loop_(loop), threads_(threads), exchange_(std::move(exchange)), errors_(errors) {}

  Flow on_data(ByteSpan data) override {
    if (*paused_) throw std::logic_error("data while paused");
    *paused_ = true;
    bytes_ += data.size();
    threads_.emplace_back([&loop = loop_, paused = paused_, exchange = exchange_] {
      loop.post([paused, exchange] {
        *paused = false;
        exchange->resume_body();
      });
    });
    return Flow::kPause;
  }
  // The end may follow the last piece at once; the resume that is under way is harmless.
  void on_end() override {
    exchange_->respond(text_response(200, "text/plain", std::to_string(bytes_)));
  }
  void on_error(const Error&) override { ++errors_; }

 private:
  Loop& loop_;
  std::vector<std::thread>& threads_;
  std::shared_ptr<Exchange> exchange_;
  std::atomic<int>& errors_;
  size_t bytes_ = 0;
  std::shared_ptr<bool> paused_ = std::make_shared<bool>(false);  // outlives this
};

class CountingParts final : public PartSink {
 public:
  CountingParts(std::shared_ptr<Exchange> exchange, std::atomic<size_t>& largest)
      : exchange_(std::move(exchange)), largest_(largest) {}

  Status on_part(const PartHead&) override { return {}; }
  Status on_data(ByteSpan data) override {
    bytes_ += data.size();
    largest_ = std::max(largest_.load(), data.size());
    return {};
  }
  Status on_part_end() override { return {}; }
  void on_end() override {
    exchange_->respond(text_response(200, "text/plain", std::to_string(bytes_)));
  }
  void on_refused(const Error& error) override { exchange_->respond(problem_response(error)); }
  void on_error(const Error&) override {}

 private:
  std::shared_ptr<Exchange> exchange_;
  std::atomic<size_t>& largest_;
  size_t bytes_ = 0;
};

}  // namespace

RigHandler::~RigHandler() {
  for (std::thread& thread : threads) thread.join();
}

void RigHandler::handle(std::shared_ptr<Exchange> exchange) {
  ++handled;
  const std::string& path = exchange->request().path;
  if (path == "/smuggled") ++smuggled;
  if (path == "/body") {
    exchange->read_body(1 << 20, [this, exchange](Result<std::string> body) {
      if (!body.ok()) {
        ++body_errors;
        return exchange->respond(problem_response(body.error()));
      }
      exchange->respond(text_response(200, "text/plain", *body));
    });
  } else if (path == "/pausing") {
    exchange->stream_body(int64_t{1} << 40,
                          std::make_unique<PausingSink>(loop_, threads, exchange, body_errors));
  } else if (path == "/upload") {
    const auto type = exchange->request().headers.find("content-type").value_or("");
    const Result<std::string> boundary = boundary_of(type);
    if (!boundary.ok()) return exchange->respond(problem_response(boundary.error()));
    auto parts = std::make_unique<CountingParts>(exchange, largest_piece);
    exchange->stream_body(int64_t{1} << 40, make_multipart_sink(*boundary, std::move(parts)));
  } else if (path == "/file") {
    send_file(exchange);
  } else if (path == "/chunks" || path == "/cut") {
    send_chunks(exchange);
  } else if (path == "/hold") {
    exchange->on_disconnect([this] { ++disconnects; });
    held.push_back(std::move(exchange));
  } else if (path != "/drop") {
    exchange->respond(text_response(200, "text/plain", exchange->request().target));
  }
}

void RigHandler::send_file(const std::shared_ptr<Exchange>& exchange) {
  const int fd = ::open(file_path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0)
    return exchange->respond(problem_response(404, "not-found", "no file"));
  FileFacts facts;
  facts.size = Bytes(status.st_size);
  facts.etag = file_etag;
  facts.last_modified = UnixMillis(1'700'000'000'000);
  FilePlan plan = plan_file(exchange->request(), facts);
  FileResponse response;
  response.status = plan.status;
  response.headers = std::move(plan.headers);
  response.fd = fd;
  response.keeper = std::shared_ptr<const void>(nullptr, [fd](const void*) { ::close(fd); });
  response.offset = plan.offset;
  response.length = plan.length;
  response.done = [this](Bytes sent) { file_bytes_done = sent.count; };
  exchange->respond_file(std::move(response));
}

void RigHandler::send_chunks(const std::shared_ptr<Exchange>& exchange) {
  const bool cut = exchange->request().path == "/cut";
  const std::string_view wanted = exchange->request().parameter("n").value_or("10");
  auto left = std::make_shared<int>(std::stoi(std::string(wanted)));
  std::shared_ptr<ResponseStream> stream =
      exchange->respond_stream(text_response(200, "text/plain", ""));
  auto more = std::make_shared<std::function<void()>>();
  *more = [stream, left, cut] {
    while (*left > 0) {
      --*left;
      if (!stream->write(std::string(1000, 'c'))) return;
    }
    if (std::exchange(*left, -1) == 0) cut ? stream->abort() : stream->end();
  };
  stream->set_on_ready([more] { (*more)(); });
  (*more)();
}

ServerRig::ServerRig(std::shared_ptr<const TlsContext> tls) {
  Result<std::unique_ptr<Loop>> created = Loop::create();
  if (!created.ok()) throw std::runtime_error(created.error().message);
  loop = std::move(created).value();
  handler = std::make_unique<RigHandler>(*loop);
  server = std::make_unique<Server>(*loop, clock, *handler);
  server->limit_connections(kConnectionsMax);
  if (tls) server->use_tls(std::move(tls));
  Result<int> bound = server->listen_tcp({});
  if (!bound.ok()) throw std::runtime_error(bound.error().message);
  port = *bound;
  thread_ = std::thread([this] { loop->run(); });
}

ServerRig::~ServerRig() { stop(); }

void ServerRig::stop() {
  if (!thread_.joinable()) return;
  loop->post([this] {
    handler->held.clear();
    server.reset();
    loop->stop();
  });
  thread_.join();
  handler.reset();
  loop.reset();
}

void ServerRig::on_loop(std::function<void()> task) {
  std::promise<void> ran;
  loop->post([&] {
    task();
    ran.set_value();
  });
  ran.get_future().wait();
}

void ServerRig::pass(Millis time) {
  on_loop([&] {
    clock.advance(time);
    server->sweep();
  });
}

ServerCounters ServerRig::counters() {
  ServerCounters now;
  on_loop([&] { now = server->counters(); });
  return now;
}

bool ServerRig::eventually(std::function<bool()> condition) {
  // Counted in turns of the loop, not in time.
  for (int turn = 0; turn < 2'000'000; ++turn) {
    bool holds = false;
    on_loop([&] { holds = condition(); });
    if (holds) return true;
    std::this_thread::yield();
  }
  return false;
}

RawClient::RawClient(int port) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("connect: " + std::string(std::strerror(errno)));
  const timeval patience{30, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

RawClient::RawClient(const std::string& unix_path) {
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, unix_path.c_str(), sizeof address.sun_path - 1);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("connect: " + std::string(std::strerror(errno)));
}

RawClient::~RawClient() { close(); }

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void RawClient::finish_sending() { ::shutdown(fd_, SHUT_WR); }

void RawClient::close(bool reset) {
  if (fd_ < 0) return;
  const linger at_once{1, 0};
  if (reset) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(fd_, -1));
}

ssize_t RawClient::receive_bytes(char* out, size_t size) { return ::recv(fd_, out, size, 0); }

bool RawClient::fill() {
  char piece[64 * 1024];
  const ssize_t got = receive_bytes(piece, sizeof piece);
  if (got <= 0) return false;
  buffer_.append(piece, static_cast<size_t>(got));
  return true;
}

std::string RawClient::receive_some(size_t most) {
  if (buffer_.empty() && !fill()) return "";
  std::string some = buffer_.substr(0, most);
  buffer_.erase(0, some.size());
  return some;
}

bool RawClient::at_end() { return buffer_.empty() && !fill(); }

RawResponse RawClient::receive(bool of_head_request) {
  RawResponse response;
  size_t end = std::string::npos;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
    if (!fill()) return response;
  std::string head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  response.status = std::stoi(head.substr(9, 3));
  size_t at = head.find("\r\n") + 2;
  while (at < head.size()) {
    const size_t line_end = head.find("\r\n", at);
    const std::string line = head.substr(at, line_end - at);
    const size_t colon = line.find(": ");
    response.headers.add(line.substr(0, colon), line.substr(colon + 2));
    at = line_end + 2;
  }
  const bool bare =
      of_head_request || response.status < 200 || response.status == 204 || response.status == 304;
  if (bare) {
    response.whole = true;
  } else if (response.headers.find("transfer-encoding")) {
    while (true) {
      size_t line = std::string::npos;
      while ((line = buffer_.find("\r\n")) == std::string::npos)
        if (!fill()) return response;
      const size_t size = std::stoul(buffer_.substr(0, line), nullptr, 16);
      while (buffer_.size() < line + 2 + size + 2)
        if (!fill()) return response;
      response.body += buffer_.substr(line + 2, size);
      buffer_.erase(0, line + 2 + size + 2);
      if (size == 0) break;
    }
    response.whole = true;
  } else if (const auto length = response.headers.find("content-length")) {
    const size_t wanted = std::stoul(std::string(*length));
    while (buffer_.size() < wanted && fill()) {
    }
    response.whole = buffer_.size() >= wanted;
    response.body = buffer_.substr(0, wanted);
    buffer_.erase(0, response.body.size());
  } else {
    while (fill()) {
    }
    response.body = std::exchange(buffer_, "");
    response.whole = true;
  }
  return response;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "holdfast-http-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace holdfast::http::test
