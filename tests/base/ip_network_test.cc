// Addresses and networks: what is anybody's on the Internet, and what is not.
#include "base/ip_network.h"

#include <netinet/in.h>

#include <boost/test/unit_test.hpp>

using namespace holdfast;

namespace {

IpAddress address(std::string_view text) {
  const Result<IpAddress> parsed = IpAddress::from_text(text);
  BOOST_REQUIRE_MESSAGE(parsed.ok(), text);
  return *parsed;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ip_network)

BOOST_AUTO_TEST_CASE(addresses_are_read_and_told) {
  for (const std::string text : {"192.0.2.1", "2001:db8::1", "::1", "255.255.255.255"})
    BOOST_TEST(address(text).text() == text);
  BOOST_TEST(address("::ffff:10.0.0.1").text() == "10.0.0.1");
  for (const std::string text : {"", "10.1", "0x7f000001", "127.0.0.1 ", "1.2.3.4.5", "010.0.0.1",
                                 "fe80::1%eth0", "[::1]", "example.com"})
    BOOST_TEST(!IpAddress::from_text(text).ok(), text);
  BOOST_TEST(!IpAddress::from_text(std::string_view("1.2.3.4\0x", 9)).ok());
}

BOOST_AUTO_TEST_CASE(addresses_come_from_sockets) {
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto found = IpAddress::from_socket(reinterpret_cast<const sockaddr&>(four));
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(found->text() == "127.0.0.1");
  sockaddr other{};
  other.sa_family = AF_UNIX;
  BOOST_TEST(!IpAddress::from_socket(other).has_value());
}

BOOST_AUTO_TEST_CASE(a_network_holds_its_addresses) {
  const auto network = [](std::string_view text) {
    const Result<IpNetwork> parsed = IpNetwork::from_text(text);
    BOOST_REQUIRE_MESSAGE(parsed.ok(), text);
    return *parsed;
  };
  BOOST_TEST(network("10.0.0.0/8").contains(address("10.255.255.255")));
  BOOST_TEST(!network("10.0.0.0/8").contains(address("11.0.0.0")));
  BOOST_TEST(network("172.16.0.0/12").contains(address("172.31.255.255")));
  BOOST_TEST(!network("172.16.0.0/12").contains(address("172.32.0.0")));
  BOOST_TEST(network("192.0.2.7").contains(address("::ffff:192.0.2.7")));
  BOOST_TEST(!network("192.0.2.7").contains(address("192.0.2.6")));
  BOOST_TEST(network("fd00::/8").contains(address("fdff::1")));
  BOOST_TEST(!network("fd00::/8").contains(address("fc00::1")));
  BOOST_TEST(network("0.0.0.0/0").contains(address("203.0.113.9")));
  BOOST_TEST(!network("0.0.0.0/0").contains(address("2001:db8::1")));
  for (const std::string text : {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",
                                 "10.0.0.0/8x", "fd00::/129", "a/8"})
    BOOST_TEST(!IpNetwork::from_text(text).ok(), text);
}

BOOST_AUTO_TEST_CASE(special_addresses_are_known) {
  for (const std::string text : {"0.0.0.0",
                                 "10.1.2.3",
                                 "100.64.0.1",
                                 "100.127.255.255",
                                 "127.0.0.1",
                                 "127.255.255.254",
                                 "169.254.169.254",
                                 "172.16.0.1",
                                 "172.31.255.255",
                                 "192.168.1.1",
                                 "198.18.0.1",
                                 "224.0.0.1",
                                 "239.255.255.255",
                                 "240.0.0.1",
                                 "255.255.255.255",
                                 "::",
                                 "::1",
                                 "::ffff:127.0.0.1",
                                 "::127.0.0.1",
                                 "::ffff:169.254.169.254",
                                 "64:ff9b::7f00:1",
                                 "2002:7f00:1::",
                                 "2001::1",
                                 "fc00::1",
                                 "fd12:3456::1",
                                 "fe80::1",
                                 "febf::1",
                                 "fec0::1",
                                 "ff02::1",
                                 "2001:db8::1"})
    BOOST_TEST(special_purpose(address(text)).has_value(), text);
  for (const std::string text :
       {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255",
        "172.32.0.0", "192.167.255.255", "223.255.255.255", "2606:4700::1111", "2a00::1"})
    BOOST_TEST(!special_purpose(address(text)).has_value(), text);
}

BOOST_AUTO_TEST_CASE(host_patterns) {
  for (const std::string text : {"example.com", "*.example.com", "a", "x-1.y", "10.0.0.1"})
    BOOST_TEST(is_host_pattern(text), text);
  for (const std::string text : {"", "*", "*.", ".a", "a.", "a..b", "-a", "a-.b", "a_b", "A.com",
                                 "a.*.b", "a/b", "a:1", "http://a"})
    BOOST_TEST(!is_host_pattern(text), text);
  BOOST_TEST(!is_host_pattern(std::string(64, 'a')));
  BOOST_TEST(matches_host("example.com", "example.com"));
  BOOST_TEST(!matches_host("example.com", "a.example.com"));
  BOOST_TEST(matches_host("*.example.com", "a.b.example.com"));
  BOOST_TEST(!matches_host("*.example.com", "example.com"));
  BOOST_TEST(!matches_host("*.example.com", ".example.com"));
  BOOST_TEST(!matches_host("*.example.com", "evilexample.com"));
}

BOOST_AUTO_TEST_SUITE_END()
