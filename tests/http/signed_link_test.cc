// Signed links: the golden one, and mutations of it, none accepted.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "daemon/http/signed_link.h"

namespace holdfast::http {
namespace {

// docs/signed-links.md shows this link; it may never change for version 1.
constexpr std::string_view kGoldenPath =
    "/v1/6f1c2a34-0b5d-4e8f-9a67-112233445566/recordings/CA0123456789abcdef/download/inbound.ulaw";
constexpr std::string_view kGoldenQuery =
    "v=1&kid=7&key=aebagbafaydqqcikbmga2dqpca&exp=1795003600&jti=eejbgfavcylrqgi2dmob2hq7ea"
    "&rst=gezdgnbvgy3tqojqgezdgnbvgy&ttl=3600&dl=1"
    "&sig=nU7aLwcO5y6xvkddlsltZiQo4RijNflIbvXakJKdnyQ";
constexpr UnixMillis kBeforeExpiry{1'795'000'000'000};
constexpr UnixMillis kAtExpiry{1'795'003'600'000};

WorkspaceId workspace() { return *WorkspaceId::from_text("6f1c2a34-0b5d-4e8f-9a67-112233445566"); }

std::string master() {
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes += static_cast<char>(i);
  return bytes;
}

SigningKey key_of(int64_t kid, const WorkspaceId& of = workspace()) {
  return *derive_signing_key(as_bytes(master()), of, kid);
}

// Keys 7 and 8 are live.
class TwoKeys final : public SigningKeys {
 public:
  std::optional<SigningKey> find(const WorkspaceId& of, int64_t kid) const override {
    if (kid != 7 && kid != 8) return std::nullopt;
    return key_of(kid, of);
  }
};

Link golden_link() {
  Link link;
  link.kid = 7;
  link.minted_by = "aebagbafaydqqcikbmga2dqpca";
  link.expires_at_s = 1'795'003'600;
  link.jti = *LinkId::from_text("eejbgfavcylrqgi2dmob2hq7ea");
  link.restore = *RestoreId::from_text("gezdgnbvgy3tqojqgezdgnbvgy");
  link.restore_ttl_s = 3600;
  link.attachment = true;
  return link;
}

Request request_of(std::string_view path, std::string_view query) {
  Request request;
  request.target = std::string(path) + "?" + std::string(query);
  // A target that cannot even be split never reaches a handler.
  if (!split_target(request).ok()) request.query = "unreadable";
  return request;
}

LinkState state_of(std::string_view path, std::string_view query, UnixMillis now = kBeforeExpiry) {
  return check_link(request_of(path, query), workspace(), now, TwoKeys()).state;
}

std::string minted(const Link& link) {
  return *mint_link(key_of(link.kid), workspace(), kGoldenPath, link);
}

// The parameters as a set: their order means nothing.
std::vector<std::string> parameters_of(std::string_view query) {
  std::vector<std::string> out(1);
  for (char c : query) {
    if (c == '&') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(signed_link)

BOOST_AUTO_TEST_CASE(the_golden_link_is_minted_and_accepted) {
  BOOST_TEST(minted(golden_link()) == kGoldenQuery);
  const LinkCheck check =
      check_link(request_of(kGoldenPath, kGoldenQuery), workspace(), kBeforeExpiry, TwoKeys());
  BOOST_REQUIRE(check.state == LinkState::kValid);
  BOOST_TEST(check.link.kid == 7);
  BOOST_TEST(check.link.minted_by == golden_link().minted_by);
  BOOST_TEST(check.link.expires_at_s == golden_link().expires_at_s);
  BOOST_CHECK(check.link.jti == golden_link().jti);
  BOOST_CHECK(check.link.restore == golden_link().restore);
  BOOST_CHECK(check.link.restore_ttl_s == golden_link().restore_ttl_s);
  BOOST_TEST(check.link.attachment);
}

BOOST_AUTO_TEST_CASE(the_golden_key_is_hkdf) {
  BOOST_TEST(to_hex(key_of(7)) ==
             "c42511d12ebee8811630a52467bf56e0b559167401b35b3a905f66b9dc35fc21");
  BOOST_CHECK(key_of(7) != key_of(8));
  WorkspaceId other = workspace();
  other.bytes[0] ^= std::byte{1};
  BOOST_CHECK(key_of(7) != key_of(7, other));
}

BOOST_AUTO_TEST_CASE(a_link_expires_at_its_time) {
  BOOST_CHECK(state_of(kGoldenPath, kGoldenQuery, kAtExpiry - Millis(1)) == LinkState::kValid);
  BOOST_CHECK(state_of(kGoldenPath, kGoldenQuery, kAtExpiry) == LinkState::kExpired);
  // A forged link is not told that it is late.
  std::string forged(kGoldenQuery);
  forged.back() = forged.back() == 'A' ? 'E' : 'A';
  BOOST_CHECK(state_of(kGoldenPath, forged, kAtExpiry) == LinkState::kBad);
}

BOOST_AUTO_TEST_CASE(links_of_every_shape_return) {
  for (int shape = 0; shape < 8; ++shape) {
    Link link = golden_link();
    if ((shape & 1) != 0) link.attachment = false;
    if ((shape & 2) != 0) {
      link.restore.reset();
      link.restore_ttl_s.reset();
    }
    if ((shape & 4) != 0) link.minted_by = "uid1000";
    BOOST_CHECK(state_of(kGoldenPath, minted(link)) == LinkState::kValid);
  }
}

BOOST_AUTO_TEST_CASE(every_field_is_under_the_signature) {
  // Each pair differs in one field; the signature of the one does not do for the other.
  const std::string base = minted(golden_link());
  const std::string signature = base.substr(base.find("&sig="));
  std::vector<Link> others(7, golden_link());
  others[0].kid = 8;
  others[1].minted_by = "uid0";
  others[2].expires_at_s += 1;
  others[3].jti.bytes[3] ^= std::byte{1};
  others[4].restore->bytes[3] ^= std::byte{1};
  others[5].restore_ttl_s = 3601;
  others[6].attachment = false;
  for (const Link& other : others) {
    const std::string query = minted(other);
    BOOST_CHECK(state_of(kGoldenPath, query) == LinkState::kValid);
    BOOST_CHECK(state_of(kGoldenPath, query.substr(0, query.find("&sig=")) + signature) ==
                LinkState::kBad);
  }
  WorkspaceId elsewhere = workspace();
  elsewhere.bytes[15] ^= std::byte{1};
  BOOST_CHECK(
      check_link(request_of(kGoldenPath, base), elsewhere, kBeforeExpiry, TwoKeys()).state ==
      LinkState::kBad);
}

BOOST_AUTO_TEST_CASE(parameters_outside_their_grammar_are_bad) {
  const auto with = [](std::string_view name, std::string_view value) {
    std::string query(kGoldenQuery);
    const std::string key = "&" + std::string(name) + "=";
    std::string padded = "&" + query;
    const size_t at = padded.find(key) + key.size();
    const size_t end = std::min(padded.find('&', at), padded.size());
    padded.replace(at, end - at, value);
    return padded.substr(1);
  };
  const std::pair<const char*, const char*> bad[] = {
      {"v", "0"},
      {"v", "2"},
      {"v", "01"},
      {"v", ""},
      {"kid", "0"},
      {"kid", "-7"},
      {"kid", "+7"},
      {"kid", "07"},
      {"kid", "7.0"},
      {"kid", "2147483648"},
      {"kid", "18446744073709551623"},
      {"kid", "0x7"},
      {"kid", "9"},
      {"kid", ""},
      {"exp", "0"},
      {"exp", "-1"},
      {"exp", "1e10"},
      {"exp", "01795003600"},
      {"exp", ""},
      {"exp", "999999999999"},
      {"exp", "18446744075504555216"},
      {"exp", "1795003600 "},
      {"ttl", "0"},
      {"ttl", "-3600"},
      {"ttl", "2592001"},
      {"ttl", ""},
      {"jti", ""},
      {"jti", "x"},
      {"jti", "EEJBGFAVCYLRQGI2DMOB2HQ7EA"},
      {"rst", ""},
      {"rst", "1"},
      {"dl", "0"},
      {"dl", "2"},
      {"dl", ""},
      {"key", ""},
      {"key", "uid"},
      {"key", "uid-1"},
      {"key", "uid01"},
      {"key", "uid4294967296"},
      {"sig", ""},
      {"sig", "A"},
  };
  for (const auto& [name, value] : bad)
    BOOST_CHECK_MESSAGE(state_of(kGoldenPath, with(name, value)) == LinkState::kBad,
                        name << "=" << value);
}

BOOST_AUTO_TEST_CASE(missing_repeated_unknown_and_escaped_parameters_are_bad) {
  const std::vector<std::string> all = parameters_of(kGoldenQuery);
  for (size_t leave_out = 0; leave_out < all.size(); ++leave_out) {
    std::string without;
    std::string repeated(kGoldenQuery);
    for (size_t i = 0; i < all.size(); ++i)
      if (i != leave_out) without += (without.empty() ? "" : "&") + all[i];
    BOOST_CHECK(state_of(kGoldenPath, without) == LinkState::kBad);
    BOOST_CHECK(state_of(kGoldenPath, repeated + "&" + all[leave_out]) == LinkState::kBad);
  }
  const std::string query(kGoldenQuery);
  for (const std::string& bad :
       {query + "&x=1", query + "&", "&" + query, query + "&&dl=1", query + "&V=1", query + "=",
        "%76" + query.substr(1), query + "#", std::string("")})
    BOOST_CHECK_MESSAGE(state_of(kGoldenPath, bad) == LinkState::kBad, bad);
}

BOOST_AUTO_TEST_CASE(no_single_character_can_be_changed_removed_or_added) {
  const std::string path(kGoldenPath);
  const std::string query(kGoldenQuery);
  int tried = 0;
  for (int code = 0x21; code < 0x7f; ++code) {
    const char c = static_cast<char>(code);
    for (size_t i = 0; i < query.size(); ++i) {
      std::string changed = query;
      changed[i] = c;
      std::string longer = query;
      longer.insert(i, 1, c);
      if (changed != query) BOOST_REQUIRE(state_of(path, changed) == LinkState::kBad);
      BOOST_REQUIRE_MESSAGE(state_of(path, longer) == LinkState::kBad, longer);
      tried += 2;
    }
    for (size_t i = 0; i < path.size(); ++i) {
      std::string changed = path;
      changed[i] = c;
      if (changed != path) BOOST_REQUIRE(state_of(changed, query) == LinkState::kBad);
      ++tried;
    }
  }
  for (size_t i = 0; i < query.size(); ++i) {
    std::string shorter = query;
    shorter.erase(i, 1);
    BOOST_REQUIRE(state_of(path, shorter) == LinkState::kBad);
    ++tried;
  }
  BOOST_TEST(tried > 20'000);
}

BOOST_AUTO_TEST_CASE(no_random_mutation_is_accepted) {
  const unsigned seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  const std::string whole = std::string(kGoldenPath) + "?" + std::string(kGoldenQuery);
  const std::string alphabet = "0123456789abcdefABCDEF-_=&?/%.+~ghijklmnopqrstuvwxyz";
  int tried = 0;
  while (tried < 20'000) {
    std::string mutant = whole;
    for (unsigned edits = 1 + random() % 4; edits > 0; --edits) {
      const size_t at = random() % mutant.size();
      const size_t other = random() % mutant.size();
      switch (random() % 5) {
        case 0:
          mutant[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          mutant.erase(at, 1 + random() % 5);
          break;
        case 2:
          mutant.insert(at, mutant.substr(other, 1 + random() % 20));
          break;
        case 3:
          std::swap(mutant[at], mutant[other]);
          break;
        default:
          mutant[at] = static_cast<char>(mutant[at] ^ 0x20);
          break;
      }
    }
    const size_t mark = mutant.find('?');
    if (mark == std::string::npos || mutant.front() != '/') continue;
    const std::string path = mutant.substr(0, mark);
    const std::string query = mutant.substr(mark + 1);
    if (path == kGoldenPath && parameters_of(query) == parameters_of(kGoldenQuery)) continue;
    BOOST_REQUIRE_MESSAGE(state_of(path, query) == LinkState::kBad, mutant);
    ++tried;
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_back_is_not_minted) {
  std::vector<Link> bad(6, golden_link());
  bad[0].kid = 0;
  bad[1].expires_at_s = 0;
  bad[2].minted_by = "someone";
  bad[3].restore.reset();
  bad[4].restore_ttl_s = 0;
  bad[5].restore_ttl_s.reset();
  for (const Link& link : bad)
    BOOST_CHECK(!mint_link(key_of(7), workspace(), kGoldenPath, link).ok());
  for (const char* path : {"", "v1", "/a?b", "/a#b", "/a b"})
    BOOST_CHECK(!mint_link(key_of(7), workspace(), path, golden_link()).ok());
}

BOOST_AUTO_TEST_CASE(a_request_claims_a_link_by_any_of_its_words) {
  for (const char* query :
       {"v=1", "kid", "key=", "a=b&exp=1", "jti=x", "%73ig=x", "rst=1", "ttl=1"})
    BOOST_CHECK_MESSAGE(claims_link(request_of("/a", query)), query);
  for (const char* query : {"", "dl=1", "limit=5&from=%2B49", "signature=1"})
    BOOST_CHECK_MESSAGE(!claims_link(request_of("/a", query)), query);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::http
