// The signature against the example that the Standard Webhooks libraries test themselves with.
#include "daemon/outbound/signature.h"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::outbound;

BOOST_AUTO_TEST_SUITE(signatures)

// secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, message msg_p5jXN8AQM9LWM0D4loKWxJek at
// 1614265330.
BOOST_AUTO_TEST_CASE(the_reference_vector) {
  const unsigned char bytes[] = {0x31, 0xf2, 0x90, 0xf6, 0xbf, 0x06, 0x29, 0x8a,
                                 0xab, 0x4f, 0x08, 0xd4, 0x3c, 0x3f, 0x08, 0x2c,
                                 0xf6, 0x48, 0xa3, 0x62, 0xda, 0x2d, 0xa4, 0xb0};
  const std::string secret(reinterpret_cast<const char*>(bytes), sizeof bytes);
  BOOST_TEST(secret_text(secret) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  const Signed message{"msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"};
  const std::string expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
  BOOST_TEST(signature(message, {secret}) == expected);
  BOOST_TEST(signature(message, {"another", secret}).ends_with(" " + expected));
  BOOST_TEST(signature(message, {}).empty());
}

BOOST_AUTO_TEST_SUITE_END()
