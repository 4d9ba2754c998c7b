// Mutations of signed links: none is accepted.
//
// A link is the same when its raw path is the minted one and its raw parameters are the minted
// ones, byte for byte, in any order: the order of parameters is not signed and means nothing. Such
// are counted, and must be accepted. Everything else must be refused as a bad link (never as an
// expired one, which would say that it is ours), whichever workspace its path names.
//
// HOLDFAST_LINKS says how many (default 100,000; 5,000 in a sanitizer build).
#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "daemon/http/policy.h"
#include "daemon/http/signed_link.h"
#include "tests/support/effort.h"
#include "tests/support/sanitized.h"
#include "tests/support/seeded_random.h"

namespace holdfast::hostile {
namespace {

using testing::Effort;

constexpr UnixMillis kNow{1'795'000'000'000};
constexpr int kMutationsOfALink = 50;

std::vector<WorkspaceId> workspaces() {
  return {*WorkspaceId::from_text("6f1c2a34-0b5d-4e8f-9a67-112233445566"),
          *WorkspaceId::from_text("3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e")};
}

// Two workspaces, of each the keys 7 and 8 live; one master secret.
class Keys final : public http::SigningKeys {
 public:
  Keys() {
    const std::string master(32, 'm');
    for (const WorkspaceId& workspace : workspaces())
      for (const int64_t kid : {7, 8})
        keys_.emplace(std::pair(workspace.text(), kid),
                      *http::derive_signing_key(as_bytes(master), workspace, kid));
  }
  std::optional<http::SigningKey> find(const WorkspaceId& of, int64_t kid) const override {
    const auto found = keys_.find(std::pair(of.text(), kid));
    if (found == keys_.end()) return std::nullopt;
    return found->second;
  }

 private:
  std::map<std::pair<std::string, int64_t>, http::SigningKey> keys_;
};

struct Url {
  std::string path;
  std::string query;
  std::string target() const { return path + "?" + query; }
};

std::vector<std::string> split(std::string_view query) {
  std::vector<std::string> out(1);
  for (char c : query) {
    if (c == '&')
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

std::string join(const std::vector<std::string>& parameters) {
  std::string query;
  for (size_t i = 0; i < parameters.size(); ++i) query += (i > 0 ? "&" : "") + parameters[i];
  return query;
}

bool is_the_same(const Url& a, const Url& b) {
  auto ours = split(a.query);
  auto theirs = split(b.query);
  std::sort(ours.begin(), ours.end());
  std::sort(theirs.begin(), theirs.end());
  return a.path == b.path && ours == theirs;
}

// A link of any shape that is in time.
Url mint(SeededRandom& random, const Keys& keys) {
  static constexpr const char* kFiles[] = {"inbound.ulaw", "recording.2.wav", "a%20b.pcm", "x"};
  const WorkspaceId workspace = workspaces()[random.below(2)];
  http::Link link;
  link.kid = 7 + static_cast<int64_t>(random.below(2));
  link.minted_by = random.below(3) == 0 ? "uid" + std::to_string(random.below(70'000))
                                        : "aebagbafaydqqcikbmga2dqpca";
  link.expires_at_s = kNow.count / 1000 + 1 + static_cast<int64_t>(random.below(86'400));
  random.fill(link.jti.bytes);
  if (random.below(2) == 0) {
    link.restore.emplace();
    random.fill(link.restore->bytes);
    link.restore_ttl_s = 1 + static_cast<int64_t>(random.below(86'400));
  }
  link.attachment = random.below(2) == 0;
  Url url;
  url.path = "/v1/" + workspace.text() + "/recordings/CA" + std::to_string(random.below(1000)) +
             "/download/" + kFiles[random.below(std::size(kFiles))];
  const auto key = keys.find(workspace, link.kid);
  const auto minted = http::mint_link(*key, workspace, url.path, link);
  BOOST_REQUIRE(minted.ok());
  url.query = *minted;
  return url;
}

// Edits of one URL; `other` is another minted link, of which pieces are taken.
class Mutator {
 public:
  Mutator(SeededRandom& random, const Url& other) : random_(random), other_(other) {}

  void edit(Url& url) {
    switch (random_.below(6)) {
      case 0:
        return edit_bytes(random_.below(3) == 0 ? url.path : url.query);
      case 1:
        return edit_list(url.query);
      case 2:
        return edit_value(url.query);
      case 3:
        return take_from_other(url);
      case 4:
        return edit_path(url.path);
      default:
        return spell_otherwise(random_.below(2) == 0 ? url.path : url.query);
    }
  }

 private:
  size_t place(const std::string& text) { return random_.below(text.size() + 1); }

  void edit_bytes(std::string& text) {
    if (text.empty()) return;
    const size_t at = random_.below(text.size());
    switch (random_.below(6)) {
      case 0:
        text[at] = static_cast<char>(random_.below(256));
        break;
      case 1:
        text[at] = static_cast<char>(text[at] ^ (1 << random_.below(8)));
        break;
      case 2:
        text.erase(at, 1 + random_.below(4));
        break;
      case 3:
        text.insert(at, 1, static_cast<char>(random_.below(256)));
        break;
      case 4:
        text.insert(place(text), text.substr(at, 1 + random_.below(20)));
        break;
      default:
        std::swap(text[at], text[random_.below(text.size())]);
        break;
    }
  }

  // Parameters in another order, left out, repeated, unknown, empty.
  void edit_list(std::string& query) {
    static constexpr const char* kMore[] = {"dl=1", "dl=0", "x=1",    "",      "v=2",
                                            "=",    "sig",  "ttl=60", "exp=0", "%64l=1"};
    auto all = split(query);
    const size_t at = random_.below(all.size());
    switch (random_.below(5)) {
      case 0:
        std::swap(all[at], all[random_.below(all.size())]);
        break;
      case 1:
        if (all.size() > 1) all.erase(all.begin() + static_cast<ptrdiff_t>(at));
        break;
      case 2: {
        const std::string again = all[at];
        all.insert(all.begin() + static_cast<ptrdiff_t>(random_.below(all.size())), again);
        break;
      }
      case 3:
        all.insert(all.begin() + static_cast<ptrdiff_t>(at),
                   kMore[random_.below(std::size(kMore))]);
        break;
      default:
        std::rotate(all.begin(), all.begin() + static_cast<ptrdiff_t>(at), all.end());
        break;
    }
    query = join(all);
  }

  // A value that a reader who is lax about numbers or base64 takes for the same, or a better one.
  void edit_value(std::string& query) {
    auto all = split(query);
    std::string& one = all[random_.below(all.size())];
    const size_t value = std::min(one.find('='), one.size());
    static constexpr const char* kBefore[] = {"0", "+", "-", " ", "%20", "0x", "%30"};
    static constexpr const char* kBehind[] = {"=", "==", ".0", "%3D", "0", "e0", "%00", "\n", ",1"};
    static constexpr const char* kInstead[] = {
        "", "0", "1", "8", "uid0", "253402300799", "9999999999999999999", "18446744073709551616"};
    switch (random_.below(5)) {
      case 0:
        one.insert(std::min(value + 1, one.size()), kBefore[random_.below(std::size(kBefore))]);
        break;
      case 1:
        one += kBehind[random_.below(std::size(kBehind))];
        break;
      case 2:
        one = one.substr(0, value) + "=" + kInstead[random_.below(std::size(kInstead))];
        break;
      case 3:
        // The last character of a signature has two bits that no byte holds.
        if (!one.empty()) one.back() = static_cast<char>(one.back() + 1);
        break;
      default:
        std::transform(one.begin(), one.end(), one.begin(), [](char c) {
          return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        });
        break;
    }
    query = join(all);
  }

  void take_from_other(Url& url) {
    auto ours = split(url.query);
    const auto theirs = split(other_.query);
    const std::string& taken = theirs[random_.below(theirs.size())];
    switch (random_.below(4)) {
      case 0:
        url.path = other_.path;
        return;
      case 1:
        ours[random_.below(ours.size())] = taken;
        break;
      case 2: {
        const std::string name = taken.substr(0, taken.find('=') + 1);
        for (std::string& one : ours)
          if (one.starts_with(name)) one = taken;
        break;
      }
      default:
        ours.push_back(taken);
        break;
    }
    url.query = join(ours);
  }

  // Another path that somebody on the way may take for the same.
  void edit_path(std::string& path) {
    static constexpr const char* kPieces[] = {"/",   "/.", "/..",  "/../download", "%2F",
                                              "%2e", ";",  ";a=b", "//",           "\\",
                                              "%00", "?",  "#",    "/x/.."};
    const size_t slash = path.find('/', place(path));
    const size_t at = slash == std::string::npos ? path.size() : slash;
    path.insert(at, kPieces[random_.below(std::size(kPieces))]);
  }

  // One character in another spelling: escaped, escaped twice, or with a + for what it is not.
  void spell_otherwise(std::string& text) {
    if (text.empty()) return;
    const size_t at = random_.below(text.size());
    static constexpr char kDigits[] = "0123456789abcdef0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(text[at]);
    const size_t row = random_.below(2) * 16;
    const std::string escaped = {kDigits[row + (byte >> 4)], kDigits[row + (byte & 15)]};
    text.replace(at, 1, (random_.below(4) == 0 ? "%25" : "%") + escaped);
  }

  SeededRandom& random_;
  const Url& other_;
};

struct Verdict {
  bool is_target = true;  // the request line's rules let it through
  http::LinkState state = http::LinkState::kBad;
};

// As a request's target comes to a handler: the line's rules, split once, the workspace that its
// path names (without one, the minted link's).
Verdict verdict_of(const std::string& target, const WorkspaceId& minted_for, const Keys& keys) {
  Verdict verdict;
  verdict.is_target = !http::check_request_line("GET " + target + " HTTP/1.1").has_value();
  http::Request request;
  request.target = target;
  if (!http::split_target(request).ok()) {
    verdict.is_target = false;
    return verdict;
  }
  WorkspaceId workspace = minted_for;
  if (request.segments.size() > 1) {
    const auto named = WorkspaceId::from_text(request.segments[1].text);
    if (named.ok()) workspace = *named;
  }
  // Also what the line's rules refuse: two walls, each by itself.
  verdict.state = http::check_link(request, workspace, kNow, keys).state;
  return verdict;
}

BOOST_AUTO_TEST_CASE(no_mutation_of_a_link_is_accepted) {
  Effort links("HOLDFAST_LINKS", testing::kSanitized ? 5'000 : 100'000);
  SeededRandom random;
  const Keys keys;
  int same = 0;
  int accepted = 0;
  int no_target = 0;
  while (!links.is_over()) {
    const Url minted = mint(random, keys);
    const Url other = mint(random, keys);
    const WorkspaceId workspace = *WorkspaceId::from_text(minted.path.substr(4, 36));
    BOOST_REQUIRE(verdict_of(minted.target(), workspace, keys).state == http::LinkState::kValid);
    Mutator mutator(random, other);
    for (int n = 0; n < kMutationsOfALink && links.another(); ++n) {
      Url mutant = minted;
      for (uint64_t edits = 1 + random.below(4); edits > 0; --edits) mutator.edit(mutant);
      // What the reader makes of it: an edit may have made or moved the first '?'.
      const std::string target = mutant.target();
      const size_t mark = target.find('?');
      const Url read{target.substr(0, mark), target.substr(mark + 1)};
      const Verdict verdict = verdict_of(target, workspace, keys);
      if (is_the_same(read, minted) || is_the_same(read, other)) {
        ++same;
        if (!verdict.is_target || verdict.state != http::LinkState::kValid)
          BOOST_ERROR("the same link is refused: " << target);
        continue;
      }
      if (!verdict.is_target) ++no_target;
      if (verdict.state == http::LinkState::kBad) continue;
      ++accepted;
      BOOST_ERROR("accepted: " << target << "\nof " << minted.target() << "\nand "
                               << other.target());
    }
  }
  std::cout << "links " << links.done() << ", accepted " << accepted << ", the same link " << same
            << ", no target at all " << no_target << "\n";
  BOOST_TEST(accepted == 0);
  // Were most of them unreadable, the signature would hardly be asked.
  BOOST_TEST(no_target < links.done() / 2);
  BOOST_TEST(same < links.done() / 4);
}

}  // namespace
}  // namespace holdfast::hostile
