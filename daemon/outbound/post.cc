#include "daemon/outbound/post.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/limits.h"

namespace holdfast::outbound {
namespace {

struct FreeEasy {
  void operator()(CURL* easy) const { ::curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { ::curl_multi_cleanup(multi); }
};
struct FreeList {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;
using Multi = std::unique_ptr<CURLM, FreeMulti>;
using List = std::unique_ptr<curl_slist, FreeList>;

void append(List& list, const std::string& text) {
  curl_slist* longer = ::curl_slist_append(list.get(), text.c_str());
  if (longer == nullptr) return;  // out of memory: the transfer then says what it lacks
  static_cast<void>(list.release());
  list.reset(longer);
}

// One message under way. Its address is libcurl's: it does not move.
struct Transfer {
  Easy easy;
  List headers;
  List resolve;
  size_t received = 0;
  bool done = false;
  std::optional<CURLcode> outcome;
  char complaint[CURL_ERROR_SIZE] = {};
};

// The answer's body is thrown away; one that does not end is cut off.
size_t discard(char*, size_t size, size_t count, void* transfer) {
  auto& received = static_cast<Transfer*>(transfer)->received;
  received += size * count;
  return received > limits::kOutboundAnswerBytesMax ? 0 : size * count;
}

// The second wall: whatever made libcurl choose an address, no socket is opened to another one than
// those that were checked.
curl_socket_t open_pinned(void* post, curlsocktype, curl_sockaddr* peer) {
  const auto& allowed = static_cast<const Post*>(post)->target.addresses;
  const std::optional<IpAddress> address = IpAddress::from_socket(peer->addr);
  if (!address || std::find(allowed.begin(), allowed.end(), *address) == allowed.end())
    return CURL_SOCKET_BAD;
  return ::socket(peer->family, peer->socktype | SOCK_CLOEXEC, peer->protocol);
}

std::string pinned_addresses(const PinnedTarget& target) {
  std::string list = target.host + ":" + std::to_string(target.port) + ":";
  for (size_t i = 0; i < target.addresses.size(); ++i) {
    const IpAddress& address = target.addresses[i];
    list += i == 0 ? "" : ",";
    list += address.is_v4() ? address.text() : "[" + address.text() + "]";
  }
  return list;
}

std::unique_ptr<Transfer> prepare(const Post& post, const PostOptions& options) {
  auto transfer = std::make_unique<Transfer>();
  transfer->easy.reset(::curl_easy_init());
  CURL* easy = transfer->easy.get();
  if (easy == nullptr) return transfer;
  for (const auto& [name, value] : post.headers) append(transfer->headers, name + ": " + value);
  append(transfer->headers, "Expect:");  // no pause before the body
  // An address needs no look-up, and libcurl makes none for it.
  if (!IpAddress::from_text(post.target.host).ok())
    append(transfer->resolve, pinned_addresses(post.target));
  ::curl_easy_setopt(easy, CURLOPT_URL, post.target.url.c_str());
  ::curl_easy_setopt(easy, CURLOPT_RESOLVE, transfer->resolve.get());
  ::curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &open_pinned);
  ::curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, const_cast<Post*>(&post));
  ::curl_easy_setopt(easy, CURLOPT_PROXY, "");  // the environment's would resolve by itself
  ::curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  ::curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  ::curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count));
  ::curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options.ca_file.empty()) ::curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  ::curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers.get());
  ::curl_easy_setopt(easy, CURLOPT_USERAGENT, "Holdfast/" HOLDFAST_VERSION);
  ::curl_easy_setopt(easy, CURLOPT_POST, 1L);
  ::curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post.body.c_str());
  ::curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post.body.size()));
  ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &discard);
  ::curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
  ::curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->complaint);
  ::curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer.get());
  return transfer;
}

void run(CURLM* multi) {
  constexpr int kTurnMs = 1000;
  int running = 1;
  while (running > 0) {
    if (::curl_multi_perform(multi, &running) != CURLM_OK) return;
    int left = 0;
    while (const CURLMsg* news = ::curl_multi_info_read(multi, &left)) {
      if (news->msg != CURLMSG_DONE) continue;
      Transfer* transfer = nullptr;
      ::curl_easy_getinfo(news->easy_handle, CURLINFO_PRIVATE, &transfer);
      transfer->outcome = news->data.result;
    }
    if (running > 0 && ::curl_multi_poll(multi, nullptr, 0, kTurnMs, nullptr) != CURLM_OK) return;
  }
}

Result<int> answer_of(const Post& post, const Transfer& transfer) {
  const std::string what = "call " + post.target.host;
  if (!transfer.easy || !transfer.outcome)
    return Error{Code::kUnavailable, what + ": the transfer could not be made"};
  long status = 0;
  ::curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  // The head of an answer says it all; whether its body ended well is nobody's concern.
  if (status >= 200) return static_cast<int>(status);
  const char* said =
      transfer.complaint[0] != '\0' ? transfer.complaint : ::curl_easy_strerror(*transfer.outcome);
  return Error{Code::kUnavailable, what + ": " + said};
}

}  // namespace

std::vector<Result<int>> post_all(const std::vector<Post>& posts, const PostOptions& options) {
  std::vector<std::unique_ptr<Transfer>> transfers;
  const Multi multi(::curl_multi_init());
  for (const Post& post : posts) {
    transfers.push_back(prepare(post, options));
    if (multi && transfers.back()->easy)
      ::curl_multi_add_handle(multi.get(), transfers.back()->easy.get());
  }
  if (multi) run(multi.get());
  std::vector<Result<int>> answers;
  for (size_t i = 0; i < posts.size(); ++i) {
    answers.push_back(answer_of(posts[i], *transfers[i]));
    if (multi && transfers[i]->easy)
      ::curl_multi_remove_handle(multi.get(), transfers[i]->easy.get());
  }
  return answers;
}

}  // namespace holdfast::outbound
