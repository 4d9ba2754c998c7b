// Pairs of certificate and key: what is taken, and what each refusal says.
#include "io/certificate.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>

#include "base/clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct Place {
  TemporaryDirectory directory;
  TestAuthority authority{directory.path()};
  UnixMillis now = SystemClock().now();

  Error refusal(const IssuedFiles& files) const {
    const Result<KeyPair> pair = read_key_pair({files.certificate, files.key}, now);
    BOOST_REQUIRE(!pair.ok());
    return pair.error();
  }
};

bool says(const Error& error, Code code, const std::string& file, const std::string& words) {
  const bool right = error.code == code && error.message.find(file) != std::string::npos &&
                     error.message.find(words) != std::string::npos;
  BOOST_TEST_INFO(error.message);
  return right;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(certificate)

BOOST_AUTO_TEST_CASE(a_right_pair_is_told) {
  const Place place;
  const IssuedFiles files = place.authority.issue("a");
  const Result<KeyPair> pair = read_key_pair({files.certificate, files.key}, place.now);
  BOOST_REQUIRE(pair.ok());
  BOOST_TEST(pair->facts.subject == "CN=archive.test");
  BOOST_TEST(pair->facts.names.size() == 2u);
  BOOST_TEST(pair->facts.names.front() == "localhost");
  BOOST_TEST(pair->facts.names.back() == "127.0.0.1");
  BOOST_TEST((pair->facts.not_before < place.now && place.now < pair->facts.not_after));
  BOOST_TEST(read_certificates(place.authority.file())->size() == 1u);
  // A chain: the server's own comes first.
  std::ifstream root(place.authority.file());
  std::ofstream(files.certificate, std::ios::app) << root.rdbuf();
  BOOST_TEST(read_certificates(files.certificate)->size() == 2u);
  BOOST_TEST(read_key_pair({files.certificate, files.key}, place.now).ok());
}

BOOST_AUTO_TEST_CASE(a_pair_is_in_force_while_its_whole_chain_is) {
  const Place place;
  const IssuedFiles files = place.authority.issue("a");
  IssueOptions options;
  options.subject = "intermediate.test";
  options.from_seconds = -60;
  options.until_seconds = 3600;
  const auto chain_with = [&](const IssueOptions& of_second) {
    place.authority.issue("a");
    std::ifstream second(place.authority.issue("second", of_second).certificate);
    std::ofstream(files.certificate, std::ios::app) << second.rdbuf();
  };
  chain_with(options);
  const Result<KeyPair> pair = read_key_pair({files.certificate, files.key}, place.now);
  BOOST_REQUIRE_MESSAGE(pair.ok(), (pair.ok() ? "" : pair.error().message));
  BOOST_TEST(pair->facts.subject == "CN=archive.test");
  BOOST_TEST((pair->facts.not_after - place.now <= seconds(3601)));
  BOOST_TEST((place.now - pair->facts.not_before <= seconds(120)));
  options.from_seconds = -7200;
  options.until_seconds = -3600;
  chain_with(options);
  BOOST_TEST(says(place.refusal(files), Code::kInvalid, "CN=intermediate.test", "has expired at "));
}

BOOST_AUTO_TEST_CASE(wrong_pairs_are_refused_by_file) {
  const Place place;
  const IssuedFiles good = place.authority.issue("good");
  const IssuedFiles other = place.authority.issue("other");
  BOOST_TEST(says(place.refusal({good.certificate, other.key}), Code::kConflict, other.key,
                  "is not the key of certificate " + good.certificate));
  BOOST_TEST(says(place.refusal({good.key, good.key}), Code::kInvalid, good.key,
                  "holds no certificate in PEM form"));
  BOOST_TEST(says(place.refusal({good.certificate, place.directory / "absent"}), Code::kNotFound,
                  "absent", "there is no such file"));
  BOOST_TEST(says(place.refusal({place.directory.path(), good.key}), Code::kInvalid,
                  place.directory.path(), "is not a file"));
  IssueOptions old;
  old.from_seconds = -7200;
  old.until_seconds = -3600;
  BOOST_TEST(says(place.refusal(place.authority.issue("old", old)), Code::kInvalid, "old.pem",
                  "has expired at "));
  IssueOptions early;
  early.from_seconds = 3600;
  BOOST_TEST(says(place.refusal(place.authority.issue("early", early)), Code::kInvalid, "early.pem",
                  "is in force only from "));
  IssueOptions weak;
  weak.rsa_bits = 1024;
  BOOST_TEST(says(place.refusal(place.authority.issue("weak", weak)), Code::kInvalid, "weak.key",
                  "expected 2048 or more"));
  IssueOptions locked;
  locked.passphrase = "secret";
  BOOST_TEST(says(place.refusal(place.authority.issue("locked", locked)), Code::kInvalid,
                  "locked.key", "is locked by a passphrase"));
  std::ofstream(good.key) << "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n";
  BOOST_TEST(
      says(place.refusal(good), Code::kInvalid, good.key, "holds no private key in PEM form"));
  std::ofstream(other.certificate) << std::string(2 << 20, 'x');
  BOOST_TEST(says(place.refusal(other), Code::kInvalid, other.certificate, "larger than 1 MiB"));
}

BOOST_AUTO_TEST_CASE(a_key_that_others_can_use_is_refused) {
  const Place place;
  const IssuedFiles files = place.authority.issue("a");
  for (const mode_t mode : {0400U, 0440U, 0600U, 0640U}) {
    ::chmod(files.key.c_str(), mode);
    BOOST_TEST(read_key_pair({files.certificate, files.key}, place.now).ok(), std::oct << mode);
  }
  for (const mode_t mode : {0644U, 0660U, 0604U, 0601U, 0777U}) {
    ::chmod(files.key.c_str(), mode);
    BOOST_TEST(
        says(place.refusal(files), Code::kForbidden, files.key, "its mode should be 0600 or 0640"));
  }
  if (::geteuid() != 0) {
    ::chmod(files.key.c_str(), 0);
    BOOST_TEST(says(place.refusal(files), Code::kForbidden, files.key, "cannot read it"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
