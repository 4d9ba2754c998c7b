// Signed links: one that verifies is one that was minted, for that path.
//
//   input = 0 path LF query                  a link from anywhere
//         | 1 edits(1) (where(1) byte(1))* path LF fields…   a minted link, edited
#include <algorithm>
#include <vector>

#include "daemon/http/signed_link.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/targets.h"

namespace holdfast::fuzz {
namespace {

constexpr UnixMillis kNow{1'795'000'000'000};

WorkspaceId workspace() {
  return WorkspaceId::from_text("6f1c2a34-0b5d-4e8f-9a67-112233445566").value();
}

// The keys 1 to 9 are live.
class Keys final : public http::SigningKeys {
 public:
  std::optional<http::SigningKey> find(const WorkspaceId& of, int64_t kid) const override {
    if (of != workspace() || kid < 1 || kid > 9) return std::nullopt;
    std::string master;
    for (char c = 0; c < 32; ++c) master += c;
    return http::derive_signing_key(as_bytes(master), of, kid).value();
  }
};

std::vector<std::string> parameters_of(std::string_view query) {
  std::vector<std::string> all(1);
  for (char c : query) {
    if (c == '&')
      all.emplace_back();
    else
      all.back() += c;
  }
  std::sort(all.begin(), all.end());
  return all;
}

// Checks a link that was never minted, or was changed since, unless it is `minted` in another
// order.
void check(std::string_view path, std::string_view query, const std::string* minted) {
  http::Request request;
  request.path = path;
  request.query = query;
  request.target = request.path + "?" + request.query;
  const http::LinkCheck checked = http::check_link(request, workspace(), kNow, Keys());
  const bool is_ours = checked.state != http::LinkState::kBad;
  expect(is_ours || !checked.reason.empty(), "a bad link's reason is told");
  expect(checked.reason.find("sig=") == std::string::npos, "a reason never tells a signature");
  if (minted != nullptr) {
    const bool is_same = parameters_of(query) == parameters_of(*minted);
    expect(is_ours == is_same, "a link is ours exactly when it was minted so", query);
  }
  if (!is_ours) return;
  const bool is_late = kNow >= UnixMillis(checked.link.expires_at_s * 1000);
  expect((checked.state == http::LinkState::kExpired) == is_late, "a link expires at its time");
  const auto again =
      http::mint_link(*Keys().find(workspace(), checked.link.kid), workspace(), path, checked.link);
  expect(again.ok(), "what verifies can be minted");
  expect(parameters_of(*again) == parameters_of(query), "what verifies was minted so", query);
}

http::Link link_of(Input& input) {
  http::Link link;
  link.kid = 1 + input.byte() % 9;
  for (std::byte& byte : link.jti.bytes) byte = std::byte{input.byte()};
  link.expires_at_s = static_cast<int64_t>(input.number(5) % 253'402'300'799) + 1;
  const uint8_t kinds = input.byte();
  link.attachment = (kinds & 1) != 0;
  if ((kinds & 2) != 0) {
    link.restore.emplace();
    for (std::byte& byte : link.restore->bytes) byte = std::byte{input.byte()};
    link.restore_ttl_s = 1 + static_cast<int64_t>(input.number(3) % 2'592'000);
  }
  link.minted_by =
      (kinds & 4) != 0 ? "uid" + std::to_string(input.number(2)) : "aebagbafaydqqcikbmga2dqpca";
  return link;
}

void check_edited(Input& input) {
  struct Edit {
    size_t where;
    char byte;
  };
  std::vector<Edit> edits(input.byte() % 4);
  for (Edit& edit : edits) edit = {input.byte(), static_cast<char>(input.byte())};
  const std::string path(input.line());
  const http::Link link = link_of(input);
  const auto minted = http::mint_link(*Keys().find(workspace(), link.kid), workspace(), path, link);
  if (!minted.ok()) return;  // no path of a URL
  check(path, *minted, &*minted);
  std::string query = *minted;
  for (const Edit& edit : edits) {
    const size_t at = edit.where % (query.size() + 1);
    if (edit.byte == 0)
      query.erase(at, 1);
    else if (edit.byte < 0)
      query.insert(at, 1, static_cast<char>(edit.byte & 0x7f));
    else if (at < query.size())
      query[at] = edit.byte;
  }
  check(path, query, &*minted);
  // The same parameters in another order are the same link.
  const size_t middle = minted->find('&');
  check(path, minted->substr(middle + 1) + "&" + minted->substr(0, middle), &*minted);
  // For another path it is none.
  http::Request request;
  request.path = path + "x";
  request.query = *minted;
  expect(http::check_link(request, workspace(), kNow, Keys()).state == http::LinkState::kBad,
         "a link is for one path");
}

}  // namespace

void signed_link(ByteSpan bytes) {
  Input input(bytes);
  if (input.byte() % 2 == 1) return check_edited(input);
  const std::string_view path = input.line();
  check(path, input.rest(), nullptr);
}

}  // namespace holdfast::fuzz
