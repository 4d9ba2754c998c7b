// Whom the archive calls: a table of URLs that somebody might try, and of what names may resolve
// to.
#include "daemon/outbound/policy.h"

#include <boost/test/unit_test.hpp>
#include <map>

using namespace holdfast;
using namespace holdfast::outbound;

namespace {

Rules rules() {
  Rules out;
  out.hosts = {"crm.example.com", "*.example.org", "192.0.2.9", "10.0.0.5"};
  return out;
}

IpAddress address(std::string_view text) {
  const Result<IpAddress> parsed = IpAddress::from_text(text);
  BOOST_REQUIRE(parsed.ok());
  return *parsed;
}

// Answers from a table, and counts what it was asked.
struct Names {
  std::map<std::string, std::vector<std::string>> addresses;
  int asked = 0;

  Resolver resolver() {
    return [this](const std::string& host) -> Result<std::vector<IpAddress>> {
      ++asked;
      std::vector<IpAddress> out;
      for (const std::string& text : addresses[host]) out.push_back(address(text));
      return out;
    };
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(outbound_policy)

BOOST_AUTO_TEST_CASE(listed_hosts_are_accepted) {
  const Result<Target> target = check_url("https://CRM.example.com/done?x=1", rules());
  BOOST_REQUIRE(target.ok());
  BOOST_TEST(target->host == "crm.example.com");
  BOOST_TEST(target->port == 443);
  BOOST_TEST(check_url("https://a.b.example.org:8443/", rules()).ok());
  BOOST_TEST(check_url("https://crm.example.com?to=a@b", rules()).ok());
  Rules plain = rules();
  plain.plaintext = true;
  BOOST_TEST(check_url("http://crm.example.com/", plain).ok());
  BOOST_TEST(check_url("http://crm.example.com/", plain)->port == 80);
}

BOOST_AUTO_TEST_CASE(hostile_urls_are_refused) {
  for (const std::string url : {"",
                                "crm.example.com",
                                "//crm.example.com/",
                                "http://crm.example.com/",
                                "ftp://crm.example.com/",
                                "file:///etc/passwd",
                                "gopher://crm.example.com/",
                                "https://",
                                "https:///done",
                                "https://other.example.com/",
                                "https://example.org/",
                                "https://crm.example.com.evil.net/",
                                "https://crm.example.com@evil.net/",
                                "https://user@crm.example.com/",
                                "https://user:word@crm.example.com/",
                                "https://evil.net\\@crm.example.com/",
                                "https://evil.net#@crm.example.com/",
                                "https://crm.example.com/#part",
                                "https://crm.example.com /",
                                "https://crm.example.com/a b",
                                "https://crm.example.com/\n",
                                "https://crm.example.com:0/",
                                "https://crm.example.com:65536/",
                                "https://crm.example.com:x/",
                                "https://localhost/",
                                "https://2130706433/",
                                "https://[::1]/",
                                "https://crm.example.com./",
                                "https://-x.example.org/",
                                "https://a..example.org/",
                                "https://a~b.example.org/",
                                "https://*.example.org/",
                                "https://crm\xc3\xa9.example.org/",
                                "javascript:alert(1)"})
    BOOST_TEST(!check_url(url, rules()).ok(), url);
  BOOST_TEST(!check_url("https://crm.example.com/" + std::string(2048, 'a'), rules()).ok());
  BOOST_TEST(!check_url("https://crm.example.com/", Rules()).ok());  // nothing is listed by itself
}

BOOST_AUTO_TEST_CASE(the_refusal_names_the_key) {
  const Result<Target> unlisted = check_url("https://other.example.com/", rules());
  BOOST_TEST(unlisted.error().message.find("outbound.hosts") != std::string::npos);
  const Result<Target> plain = check_url("http://crm.example.com/", rules());
  BOOST_TEST(plain.error().message.find("outbound.plaintext") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(one_special_address_spoils_them_all) {
  Names names;
  names.addresses["crm.example.com"] = {"93.184.216.34", "2606:2800:220:1::1"};
  const Result<PinnedTarget> good = pin("https://crm.example.com/", rules(), names.resolver());
  BOOST_REQUIRE(good.ok());
  BOOST_TEST(good->addresses.size() == 2u);
  BOOST_TEST(names.asked == 1);  // once: a second answer might differ
  for (const std::string bad :
       {"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00::1",
        "100.64.1.1", "0.0.0.0", "64:ff9b::a00:1"}) {
    names.addresses["crm.example.com"] = {"93.184.216.34", bad};
    const auto pinned = pin("https://crm.example.com/", rules(), names.resolver());
    BOOST_REQUIRE_MESSAGE(!pinned.ok(), bad);
    BOOST_TEST((pinned.error().code == Code::kForbidden));
    BOOST_TEST(pinned.error().message.find("outbound.networks") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_network_may_be_allowed) {
  Names names;
  names.addresses["crm.example.com"] = {"10.0.0.1"};
  Rules inside = rules();
  inside.networks = {*IpNetwork::from_text("10.0.0.0/8")};
  BOOST_TEST(pin("https://crm.example.com/", inside, names.resolver()).ok());
  names.addresses["crm.example.com"] = {"192.168.0.1"};
  BOOST_TEST(!pin("https://crm.example.com/", inside, names.resolver()).ok());
}

BOOST_AUTO_TEST_CASE(addresses_need_no_look_up) {
  Names names;
  BOOST_TEST(!pin("https://10.0.0.5/", rules(), names.resolver()).ok());
  BOOST_TEST(!pin("https://0x7f.1/", rules(), names.resolver()).ok());
  Rules inside = rules();
  inside.networks = {*IpNetwork::from_text("10.0.0.0/8")};
  BOOST_TEST(pin("https://10.0.0.5/", inside, names.resolver()).ok());
  BOOST_TEST(names.asked == 0);
}

BOOST_AUTO_TEST_CASE(a_name_without_an_address_is_tried_later) {
  Names names;
  const auto pinned = pin("https://crm.example.com/", rules(), names.resolver());
  BOOST_REQUIRE(!pinned.ok());
  BOOST_TEST((pinned.error().code == Code::kUnavailable));
}

BOOST_AUTO_TEST_SUITE_END()
