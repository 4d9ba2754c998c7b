// Files from the daemon: whole, proven and durable, or not there at all.
#include "client/download.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "io/digest.h"
#include "tests/support/fake_daemon/fake_daemon.h"

namespace holdfast {
namespace {

struct Rig {
  FakeDaemon daemon;
  TemporaryDirectory directory;
  std::unique_ptr<Io> io = *Io::open();
  Fd root = *open_root(directory.path());
  HttpClient client{endpoint()};

  Endpoint endpoint() const {
    Endpoint where;
    where.socket_path = daemon.socket_path();
    return where;
  }
  Result<Downloaded> get(const std::string& name, std::optional<ExpectedFile> expected,
                         HttpResponse* archived = nullptr) {
    HttpRequest request;
    request.path = "/" + name;
    return download(client, *io, request, DownloadTarget{root.get(), name, expected}, archived);
  }
  std::string content(const std::string& name) const {
    std::ifstream in(directory / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  size_t files() const {
    return static_cast<size_t>(
        std::distance(std::filesystem::directory_iterator(directory.path()), {}));
  }
};

ExpectedFile expected_of(const std::string& bytes) {
  return {Bytes(static_cast<int64_t>(bytes.size())), sha256(bytes)};
}

std::string some_bytes() {
  std::string bytes;
  for (int i = 0; i < 700'000; ++i) bytes += static_cast<char>(i * 31 + i / 251);
  return bytes;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(download_suite)

BOOST_AUTO_TEST_CASE(a_file_arrives_with_its_digest) {
  Rig rig;
  const std::string bytes = some_bytes();
  rig.daemon.on("GET /a.ulaw", {fake_file(bytes)});
  const auto got = rig.get("a.ulaw", expected_of(bytes));
  BOOST_REQUIRE(got.ok());
  BOOST_TEST(got->size.count == static_cast<int64_t>(bytes.size()));
  BOOST_TEST(got->digest.hex() == sha256(bytes).hex());
  BOOST_TEST(!got->was_there);
  BOOST_TEST((rig.content("a.ulaw") == bytes));
  BOOST_TEST(rig.files() == 1u);
}

BOOST_AUTO_TEST_CASE(an_empty_file_arrives_too) {
  Rig rig;
  rig.daemon.on("GET /empty", {fake_file("")});
  BOOST_REQUIRE(rig.get("empty", expected_of("")).ok());
  BOOST_TEST(std::filesystem::file_size(rig.directory / "empty") == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_there_already_is_not_asked_for) {
  Rig rig;
  std::ofstream(rig.directory / "a") << "bytes";
  const auto got = rig.get("a", expected_of("bytes"));
  BOOST_REQUIRE(got.ok());
  BOOST_TEST(got->was_there);
  BOOST_TEST(rig.daemon.asked().empty());
}

BOOST_AUTO_TEST_CASE(a_file_with_other_bytes_is_not_replaced) {
  Rig rig;
  for (const std::string there : {"other", "longer than that"}) {
    std::ofstream(rig.directory / "a") << there;
    rig.daemon.on("GET /a", {fake_file("bytes")});
    const auto got = rig.get("a", expected_of("bytes"));
    BOOST_REQUIRE(!got.ok());
    BOOST_TEST((got.error().code == Code::kConflict));
    BOOST_TEST(rig.content("a") == there);
  }
}

BOOST_AUTO_TEST_CASE(wrong_bytes_leave_nothing) {
  Rig rig;
  rig.daemon.on("GET /a", {fake_file("wrong")});
  auto got = rig.get("a", expected_of("right"));  // not what the listing said
  BOOST_REQUIRE(!got.ok());
  BOOST_TEST((got.error().code == Code::kCorrupt));
  FakeAnswer lying = fake_file("right");
  lying.body = "other";
  rig.daemon.on("GET /a", {lying});  // not what its own header says
  got = rig.get("a", std::nullopt);
  BOOST_REQUIRE(!got.ok());
  BOOST_TEST((got.error().code == Code::kCorrupt));
  BOOST_TEST(rig.files() == 0u);
}

BOOST_AUTO_TEST_CASE(bytes_without_any_digest_are_not_kept) {
  Rig rig;
  rig.daemon.on("GET /a", "bytes");
  auto got = rig.get("a", std::nullopt);
  BOOST_REQUIRE(!got.ok());
  BOOST_TEST((got.error().code == Code::kCorrupt));
  BOOST_TEST(rig.files() == 0u);
  BOOST_TEST(rig.get("a", expected_of("bytes")).ok());  // the listing's digest is enough
}

BOOST_AUTO_TEST_CASE(a_cut_transfer_leaves_nothing) {
  Rig rig;
  const std::string bytes = some_bytes();
  FakeAnswer cut = fake_file(bytes);
  cut.cut_after = 300'000;
  rig.daemon.on("GET /a", {cut, fake_file(bytes)});
  BOOST_TEST(!rig.get("a", expected_of(bytes)).ok());
  BOOST_TEST(rig.files() == 0u);
  BOOST_REQUIRE(rig.get("a", expected_of(bytes)).ok());  // and the next try is sound
  BOOST_TEST((rig.content("a") == bytes));
}

BOOST_AUTO_TEST_CASE(an_archived_file_gives_the_daemons_answer) {
  Rig rig;
  FakeAnswer accepted;
  accepted.status = 202;
  accepted.body = R"({"status":"restoring","restore_id":"r"})";
  rig.daemon.on("GET /a", {accepted});
  HttpResponse archived;
  const auto got = rig.get("a", expected_of("bytes"), &archived);
  BOOST_REQUIRE(!got.ok());
  BOOST_TEST((got.error().code == Code::kArchived));
  BOOST_TEST(archived.status == 202);
  BOOST_TEST(archived.parsed()->at("restore_id").as_string() == "r");
  BOOST_TEST(rig.files() == 0u);
}

BOOST_AUTO_TEST_CASE(a_refusal_is_told) {
  Rig rig;
  rig.daemon.on("GET /a", {fake_problem(401, "unauthenticated", "unknown key")});
  const auto got = rig.get("a", expected_of("bytes"));
  BOOST_REQUIRE(!got.ok());
  BOOST_TEST((got.error().code == Code::kUnauthenticated));
  BOOST_TEST(rig.files() == 0u);
}

BOOST_AUTO_TEST_CASE(repr_digest_is_read_strictly) {
  HttpResponse response;
  BOOST_TEST(!digest_in(response)->has_value());
  const std::string good = fake_file("abc").headers[0].second;
  response.headers = {{"repr-digest", "md5=:AAAA:, " + good}};
  BOOST_TEST(digest_in(response)->value().hex() == sha256("abc").hex());
  for (const std::string bad : {"sha-256=:", "sha-256=:AAAA:", "sha-256=::",
                                "sha-256=:********************************************:"}) {
    response.headers = {{"repr-digest", bad}};
    BOOST_TEST(!digest_in(response).ok(), bad);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast
