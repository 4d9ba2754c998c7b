#include "client/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <mutex>

namespace holdfast {
namespace {

struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct MimeFree {
  void operator()(curl_mime* mime) const { curl_mime_free(mime); }
};

// What the callbacks of one exchange fill.
struct Exchange {
  HttpResponse response;
  BodySink* sink = nullptr;
  Status sunk;  // what the sink or the bound said
};

bool takes_body(int status) { return status == 200 || status == 206; }

size_t on_header(char* data, size_t size, size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  std::string_view line(data, size * count);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {  // a new status line: what came before was a 1xx
    const size_t space = line.find(' ');
    exchange.response.headers.clear();
    exchange.response.status =
        space == line.npos ? 0 : std::atoi(std::string(line.substr(space + 1, 3)).c_str());
    return size * count;
  }
  const size_t colon = line.find(':');
  if (colon == line.npos) return size * count;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  exchange.response.headers.emplace_back(std::move(name), value);
  return size * count;
}

size_t on_body(char* data, size_t size, size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  const std::string_view bytes(data, size * count);
  if (exchange.sink != nullptr && takes_body(exchange.response.status)) {
    exchange.sunk = exchange.sink->write(as_bytes(bytes));
  } else if (exchange.response.body.size() + bytes.size() > HttpClient::kAnswerBytesMax) {
    exchange.sunk = Error{Code::kTooLarge, fmt::format("the answer is longer than {} bytes",
                                                       HttpClient::kAnswerBytesMax)};
  } else {
    exchange.response.body += bytes;
  }
  return exchange.sunk.ok() ? bytes.size() : 0;  // a short count ends the transfer
}

int on_transfer(void* request, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
  static_cast<const HttpRequest*>(request)->on_transfer(sent, received);
  return 0;  // go on
}

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void append_encoded(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (is_unreserved(c))
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
}

std::string url_of(const Endpoint& endpoint, const HttpRequest& request) {
  // Over a socket the host is only what the Host header says.
  std::string url = endpoint.socket_path.empty() ? endpoint.url : "http://localhost";
  while (!url.empty() && url.back() == '/') url.pop_back();
  url += request.path;
  char separator = '?';
  for (const auto& [name, value] : request.query) {
    url += separator;
    append_encoded(url, name);
    url += '=';
    append_encoded(url, value);
    separator = '&';
  }
  return url;
}

Status check_header(std::string_view name, std::string_view value) {
  const auto is_control = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  if (std::none_of(name.begin(), name.end(), is_control) &&
      std::none_of(value.begin(), value.end(), is_control))
    return {};
  return Error{Code::kInvalid, fmt::format("header {}: holds a line end", name)};
}

Result<std::unique_ptr<curl_slist, ListFree>> headers_of(const Endpoint& endpoint,
                                                         const HttpRequest& request) {
  std::vector<NameValue> all = request.headers;
  if (!endpoint.key.empty()) all.emplace_back("Authorization", "Bearer " + endpoint.key);
  if (!request.body.empty()) all.emplace_back("Content-Type", request.content_type);
  std::unique_ptr<curl_slist, ListFree> list;
  const auto append = [&list](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return false;
    (void)list.release();
    list.reset(longer);
    return true;
  };
  // Without this curl waits a second for "100 Continue" before every larger upload.
  bool appended = append("Expect:");
  for (const auto& [name, value] : all) {
    HOLDFAST_TRY(check_header(name, value));
    appended = appended && append(value.empty() ? name + ";" : name + ": " + value);
  }
  if (!appended) return Error{Code::kIo, "prepare a request: out of memory"};
  return list;
}

Result<std::unique_ptr<curl_mime, MimeFree>> form_of(CURL* easy, const HttpRequest& request) {
  std::unique_ptr<curl_mime, MimeFree> mime;
  if (request.form_fields.empty() && request.form_files.empty()) return mime;
  mime.reset(curl_mime_init(easy));
  if (!mime) return Error{Code::kIo, "prepare a form: out of memory"};
  for (const auto& [name, value] : request.form_fields) {
    curl_mimepart* part = curl_mime_addpart(mime.get());
    if (curl_mime_name(part, name.c_str()) != CURLE_OK ||
        curl_mime_data(part, value.data(), value.size()) != CURLE_OK)
      return Error{Code::kIo, "prepare a form: out of memory"};
  }
  for (const FormFile& file : request.form_files) {
    curl_mimepart* part = curl_mime_addpart(mime.get());
    if (curl_mime_filedata(part, file.path.c_str()) != CURLE_OK)
      return Error{Code::kNotFound, "read " + file.path + ": no such file, or it cannot be read"};
    if (curl_mime_name(part, file.field.c_str()) != CURLE_OK ||
        curl_mime_filename(part, file.file_name.c_str()) != CURLE_OK ||
        curl_mime_type(part, "application/octet-stream") != CURLE_OK)
      return Error{Code::kIo, "prepare a form: out of memory"};
  }
  return mime;
}

Error transport_error(CURL* easy, CURLcode code, const Endpoint& endpoint, std::string_view detail,
                      std::string_view what) {
  long system_errno = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &system_errno);
  const int number = static_cast<int>(system_errno);
  switch (code) {
    case CURLE_COULDNT_CONNECT: {
      std::string message = fmt::format("connect to {}", endpoint.name());
      if (number != 0) message += fmt::format(": {}", std::strerror(number));
      if (number == EACCES)
        message += "; this socket is for root, the daemon's user and its administrators' group";
      else
        message += "; is holdfastd running?";
      return Error{Code::kUnavailable, message, number};
    }
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return Error{Code::kUnavailable, fmt::format("{}: {}", what, detail), number};
    case CURLE_PEER_FAILED_VERIFICATION:
      return Error{Code::kUnavailable,
                   fmt::format("{}: its certificate is not trusted: {}; --cacert FILE names the CA "
                               "that gave it",
                               endpoint.name(), detail)};
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      return Error{Code::kInvalid, fmt::format("{}: {}; expected PEM files (--cacert, --cert, "
                                               "--cert-key)",
                                               endpoint.name(), detail)};
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Error{Code::kInvalid,
                   fmt::format("{}: {}; a URL looks like https://archive.example:8480",
                               endpoint.name(), detail)};
    default:
      return Error{Code::kIo, fmt::format("{}: {}", what, detail), number};
  }
}

void set_tls(CURL* easy, const Endpoint& endpoint) {
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!endpoint.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, endpoint.ca_file.c_str());
  if (endpoint.certificate.empty()) return;
  const std::string& key =
      endpoint.certificate_key.empty() ? endpoint.certificate : endpoint.certificate_key;
  curl_easy_setopt(easy, CURLOPT_SSLCERT, endpoint.certificate.c_str());
  curl_easy_setopt(easy, CURLOPT_SSLKEY, key.c_str());
}

}  // namespace

bool is_clear_text_beyond_loopback(const std::string& url) {
  const std::unique_ptr<CURLU, UrlFree> parsed(curl_url());
  // Without a scheme curl guesses one, http as a rule; what it cannot read it does not speak to.
  if (!parsed ||
      curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_GUESS_SCHEME) != CURLUE_OK)
    return false;
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    const bool found = curl_url_get(parsed.get(), which, &text, 0) == CURLUE_OK;
    std::string copy = found ? text : "";
    curl_free(text);
    return copy;
  };
  const std::string host = part(CURLUPART_HOST);
  in_addr address{};
  const bool is_v4_loopback =
      ::inet_pton(AF_INET, host.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
  return part(CURLUPART_SCHEME) != "https" && host != "localhost" && host != "[::1]" &&
         !is_v4_loopback;
}

struct HttpClient::Handles {
  CURL* easy = nullptr;
  CURLM* multi = nullptr;

  Handles() {
    // curl wants its process-wide start exactly once, before any handle, whoever comes first.
    static std::once_flag started;
    std::call_once(started, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    easy = curl_easy_init();
    multi = curl_multi_init();
  }
  ~Handles() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
};

HttpClient::HttpClient(Endpoint endpoint)
    : endpoint_(std::move(endpoint)), handles_(std::make_unique<Handles>()) {}

HttpClient::~HttpClient() = default;

void HttpClient::cancel() {
  cancelled_ = true;
  if (handles_->multi != nullptr) curl_multi_wakeup(handles_->multi);
}

// Drives the transfer to its end. The multi interface, because only its wait can be woken.
Result<int> HttpClient::run(void* easy, std::string_view what) {
  CURLM* multi = handles_->multi;
  if (const CURLMcode added = curl_multi_add_handle(multi, easy); added != CURLM_OK)
    return Error{Code::kIo, fmt::format("{}: {}", what, curl_multi_strerror(added))};
  std::optional<CURLcode> outcome;
  CURLMcode multi_code = CURLM_OK;
  while (!outcome && !cancelled_ && multi_code == CURLM_OK) {
    int running = 0;
    multi_code = curl_multi_perform(multi, &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left))
      if (message->msg == CURLMSG_DONE) outcome = message->data.result;
    if (!outcome && multi_code == CURLM_OK)
      multi_code = curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
  curl_multi_remove_handle(multi, easy);
  if (outcome) return static_cast<int>(*outcome);
  if (cancelled_) return Error{Code::kUnavailable, fmt::format("{}: cancelled", what)};
  return Error{Code::kIo, fmt::format("{}: {}", what, curl_multi_strerror(multi_code))};
}

Result<HttpResponse> HttpClient::send(const HttpRequest& request) {
  const std::string what = fmt::format("{} {}", request.method, request.path);
  CURL* easy = handles_->easy;
  if (easy == nullptr || handles_->multi == nullptr)
    return Error{Code::kIo, what + ": libcurl gives no handle"};
  if (cancelled_) return Error{Code::kUnavailable, what + ": cancelled"};

  curl_easy_reset(easy);  // the options; the connections stay
  HOLDFAST_ASSIGN(headers, headers_of(endpoint_, request));
  HOLDFAST_ASSIGN(form, form_of(easy, request));
  const std::string url = url_of(endpoint_, request);
  const Millis stall_timeout =
      request.stall_timeout.count > 0 ? request.stall_timeout : endpoint_.stall_timeout;
  char detail[CURL_ERROR_SIZE] = "";
  Exchange exchange;
  exchange.sink = request.sink;

  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  if (!endpoint_.socket_path.empty())
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, endpoint_.socket_path.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set_tls(easy, endpoint_);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  // On a plain socket curl sends with MSG_NOSIGNAL. TLS writes cannot, and a server that refuses
  // an upload early closes: there curl has to keep SIGPIPE away itself.
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, endpoint_.socket_path.empty() ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "holdfast/" HOLDFAST_VERSION);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(endpoint_.connect_timeout.count));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count));
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall_timeout.count / 1000));
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
  if (request.on_transfer) {
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_transfer);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, const_cast<HttpRequest*>(&request));
  }
  if (form) {
    curl_easy_setopt(easy, CURLOPT_MIMEPOST, form.get());
  } else if (!request.body.empty() || request.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  if (request.method == "HEAD")
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  else
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());

  HOLDFAST_ASSIGN(outcome, run(easy, what));
  if (!exchange.sunk.ok()) return exchange.sunk.error();
  if (const auto code = static_cast<CURLcode>(outcome); code != CURLE_OK)
    return transport_error(easy, code, endpoint_,
                           *detail != '\0' ? detail : curl_easy_strerror(code), what);
  return std::move(exchange.response);
}

Result<HttpResponse> HttpClient::request(const HttpRequest& request) {
  HOLDFAST_ASSIGN(response, send(request));
  if (response.status >= 400) return error_of(response);
  if (response.status < 200 || response.status >= 300)
    return Error{Code::kIo, fmt::format("{} {}: the server answered {}; a holdfastd never does",
                                        request.method, request.path, response.status)};
  return response;
}

std::optional<std::string> HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return std::nullopt;
}

Result<json::value> HttpResponse::parsed() const {
  auto parsed = parse_json(body);
  if (parsed.ok()) return parsed;
  return parsed.error().within(fmt::format("the body of an answer {}", status));
}

std::string path_of(const std::vector<std::string_view>& segments) {
  std::string path;
  for (const std::string_view segment : segments) {
    path += '/';
    append_encoded(path, segment);
  }
  return path;
}

}  // namespace holdfast
