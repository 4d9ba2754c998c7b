// HTTP to the daemon, by libcurl: over a Unix socket (admin.sock, mount.sock) or to a URL.
//
// One HttpClient is one curl handle with its kept-alive connections. A request is one call that
// waits for its answer; a transfer that stalls, runs out of time or is cancelled gives an Error.
// Nothing is held whole in memory but answers without a sink, and those are bounded.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/types.h"

namespace holdfast {

// Where the daemon is. Either `socket_path` or `url` is set; a socket wins.
struct Endpoint {
  std::string socket_path;               // "/run/holdfast/admin.sock"
  std::string url;                       // "https://archive.example:8480", no path below it
  std::string key;                       // API key, sent as a bearer token; empty: none
  std::string ca_file;                   // PEM: whom to trust; empty: the system's
  std::string certificate;               // PEM: what to show a daemon that asks; empty: nothing
  std::string certificate_key;           // PEM: its key; empty: it is in the same file
  Millis connect_timeout = seconds(10);  // to a connection, TLS included
  Millis stall_timeout = minutes(2);     // a transfer without a single byte either way

  // For messages: the socket's path or the URL, never the key.
  const std::string& name() const { return socket_path.empty() ? url : socket_path; }
};

// True when what is sent to the URL can be read on its way: neither https nor this machine. False
// of a text that is no URL; a request to it fails.
bool is_clear_text_beyond_loopback(const std::string& url);

// Takes the body of a 200 or 206 as it arrives. An Error ends the transfer and is what the
// request answers.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual Status write(ByteSpan bytes) = 0;
};

using NameValue = std::pair<std::string, std::string>;

// A file sent as one part of multipart/form-data, read from disk while it is sent.
struct FormFile {
  std::string field;      // the part's name
  std::string file_name;  // the file's name as the daemon shall know it
  std::string path;       // where it is read
};

struct HttpRequest {
  std::string method = "GET";
  std::string path;                               // percent-encoded: see path_of
  std::vector<NameValue> query;                   // as they are meant; encoded here
  std::vector<NameValue> headers;                 // neither name nor value may hold CR or LF
  std::string body;                               // sent when not empty
  std::string content_type = "application/json";  // of `body`
  std::vector<NameValue> form_fields;             // multipart/form-data, when there are
  std::vector<FormFile> form_files;               //   fields or files; `body` is then empty
  BodySink* sink = nullptr;                       // outlives the call
  // Told now and then on the calling thread: bytes of the body that have gone and come.
  std::function<void(int64_t sent, int64_t received)> on_transfer;
  Millis timeout{0};        // for the whole exchange; 0: no bound
  Millis stall_timeout{0};  // 0: the endpoint's
};

struct HttpResponse {
  int status = 0;
  std::vector<NameValue> headers;  // names in lower case, in the order they came
  std::string body;                // empty when a sink took it

  // The first value of `name` (lower case), or nothing.
  std::optional<std::string> header(std::string_view name) const;
  // The body as JSON; kInvalid when it is none.
  Result<json::value> parsed() const;
};

// Thread rule: one thread at a time, except cancel(), which any thread may call.
class HttpClient {
 public:
  explicit HttpClient(Endpoint endpoint);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // The daemon's answer, whatever its status. Errors: kUnavailable (no connection, stalled, out
  // of time, cancelled; errno kept where there is one), kInvalid (a request that cannot be
  // sent), kTooLarge (an answer without a sink over kAnswerBytesMax), kIo (a broken transfer),
  // or what the sink answered.
  Result<HttpResponse> send(const HttpRequest& request);

  // The same, and a status of 400 or more is an Error too: see error_of.
  Result<HttpResponse> request(const HttpRequest& request);

  // Ends the request under way at once and refuses every later one: for a thread that waits
  // in a long poll while the process stops.
  void cancel();

  const Endpoint& endpoint() const { return endpoint_; }

  // An answer that is kept in memory: one page of a listing and to spare.
  static constexpr size_t kAnswerBytesMax = 16 * 1024 * 1024;

 private:
  struct Handles;
  Result<int> run(void* easy, std::string_view what);  // a CURLcode

  const Endpoint endpoint_;
  std::unique_ptr<Handles> handles_;
  std::atomic<bool> cancelled_{false};
};

// "/v1/<a>/<b>…": segments percent-encoded down to unreserved characters (RFC 3986, 2.3).
std::string path_of(const std::vector<std::string_view>& segments);

// What an answer of 400 or more says: the code by the problem's type
// ("urn:holdfast:problem:<word>"), else by the status; the message is its `detail`, else its
// title, else the status. Understands RFC 9457 problems and the platform's {"detail":[…]}.
Error error_of(const HttpResponse& response);

// The code of a problem's word ("legal-hold" → kLocked), or nothing for an unknown word.
std::optional<Code> code_of_problem(std::string_view word);

}  // namespace holdfast
