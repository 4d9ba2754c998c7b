// TlsStream without a server: how much it takes from the socket in one call, and how much it holds
// for a client that reads slowly or not at all.
#include "daemon/http/tls_stream.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <utility>

#include "base/clock.h"
#include "tests/http/server_rig.h"
#include "tests/support/test_certificates.h"

namespace holdfast::http::test {
namespace {

using testing::IssuedFiles;
using testing::TestAuthority;

// Both ends in one thread, neither of which blocks.
struct Pair {
  // `first`: what the client sends together with the end of its handshake.
  explicit Pair(std::string_view first = "") {
    const IssuedFiles files = authority.issue("server");
    TlsConfig config;
    config.certificate = files.certificate;
    config.key = files.key;
    auto context = TlsContext::load(config, SystemClock().now());
    BOOST_REQUIRE(context.ok());
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    stream = TlsStream::create(*context, ends[0]);
    client_context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(client_context, TLS1_3_VERSION);
    client = SSL_new(client_context);
    // What it sends is gathered, so that it lies in the socket without gaps.
    SSL_set_bio(client, BIO_new_socket(ends[1], BIO_NOCLOSE), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client);
    bool open = false;
    bool joined = false;
    for (int i = 0; i < 20 && !(open && joined); ++i) {
      const bool was_joined = std::exchange(joined, SSL_do_handshake(client) == 1);
      size_t taken = 0;
      if (joined && !was_joined && !first.empty())
        BOOST_REQUIRE(SSL_write_ex(client, first.data(), first.size(), &taken) == 1);
      push();
      if (!open) open = stream->handshake() == TlsStream::Handshake::kDone;
      while (stream->pending() > 0) BOOST_REQUIRE(stream->flush() > 0);
    }
    BOOST_REQUIRE(open);
    BOOST_REQUIRE(joined);
  }
  ~Pair() {
    SSL_free(client);
    SSL_CTX_free(client_context);
    stream.reset();
    ::close(ends[0]);
    ::close(ends[1]);
  }
  // Bytes that lie in the socket for the stream.
  size_t unread() const {
    int bytes = 0;
    ::ioctl(ends[0], FIONREAD, &bytes);
    return static_cast<size_t>(bytes);
  }
  // Gives the socket what the client has to send, as far as it takes it.
  void push() {
    char piece[8192];
    while (true) {
      if (unsent.empty()) {
        const int got = BIO_read(SSL_get_wbio(client), piece, sizeof piece);
        if (got <= 0) return;
        unsent.assign(piece, static_cast<size_t>(got));
      }
      const ssize_t sent = ::send(ends[1], unsent.data(), unsent.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      unsent.erase(0, static_cast<size_t>(sent));
    }
  }
  void update_keys(int times, int kind) {
    for (int i = 0; i < times; ++i) {
      BOOST_REQUIRE(SSL_key_update(client, kind) == 1);
      BOOST_REQUIRE(SSL_do_handshake(client) == 1);
    }
    push();
  }
  size_t take_all() {
    char bytes[16 * 1024];
    size_t all = 0;
    size_t got = 0;
    while (SSL_read_ex(client, bytes, sizeof bytes, &got) == 1) all += got;
    return all;
  }

  TemporaryDirectory directory;
  TestAuthority authority{directory.file("")};
  int ends[2] = {-1, -1};
  std::unique_ptr<TlsStream> stream;
  SSL_CTX* client_context = nullptr;
  SSL* client = nullptr;
  std::string unsent;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(tls_stream)

BOOST_AUTO_TEST_CASE(one_call_takes_a_bounded_share_and_a_flood_breaks_the_session) {
  Pair pair;
  char bytes[1024];
  size_t taken_in_all = 0;
  bool broken = false;
  for (int i = 0; i < 100 && !broken; ++i) {
    pair.update_keys(3000, SSL_KEY_UPDATE_REQUESTED);
    const size_t before = pair.unread();
    BOOST_REQUIRE(before > 0);
    const ssize_t got = pair.stream->read(bytes, sizeof bytes);
    const int error = errno;
    BOOST_TEST(got == -1);
    broken = error == ECONNRESET;
    BOOST_TEST((broken || error == EAGAIN));
    const size_t taken = before - pair.unread();
    BOOST_TEST(taken <= TlsStream::kInputBytesPerCall);
    taken_in_all += taken;
    // Nothing was sent: the client takes no answer.
    BOOST_TEST(pair.stream->pending() <=
               TlsStream::kUnaskedBytesMax + 2 * TlsStream::kInputBytesPerCall);
  }
  BOOST_TEST(broken);
  BOOST_TEST(taken_in_all >= TlsStream::kUnaskedBytesMax / 2);
}

BOOST_AUTO_TEST_CASE(what_is_left_of_the_socket_comes_with_the_next_call) {
  Pair pair;
  pair.update_keys(4000, SSL_KEY_UPDATE_NOT_REQUESTED);
  size_t taken = 0;
  BOOST_REQUIRE(SSL_write_ex(pair.client, "word", 4, &taken) == 1);
  char bytes[64];
  ssize_t got = -1;
  int calls = 0;
  for (; calls < 20 && got < 0; ++calls) {
    pair.push();
    got = pair.stream->read(bytes, sizeof bytes);
  }
  BOOST_REQUIRE(got == 4);
  BOOST_TEST(calls > 1);
  BOOST_TEST(std::string_view(bytes, 4) == "word");
}

// The socket does not become readable for it.
BOOST_AUTO_TEST_CASE(what_came_with_the_end_of_the_handshake_is_told_as_buffered) {
  Pair pair("a request");
  BOOST_TEST(pair.unread() == 0U);
  BOOST_TEST(pair.stream->has_buffered());
  char bytes[64];
  const ssize_t got = pair.stream->read(bytes, sizeof bytes);
  BOOST_REQUIRE(got == 9);
  BOOST_TEST(std::string_view(bytes, 9) == "a request");
  BOOST_TEST(!pair.stream->has_buffered());
}

BOOST_AUTO_TEST_CASE(a_slow_reader_holds_one_record_and_a_quick_one_gets_whole_batches) {
  Pair pair;
  TlsStream& stream = *pair.stream;
  const std::string plain(TlsStream::kBatchBytes, 'p');
  const auto send_batch = [&] {
    stream.prepare(stream.batch());
    const bool encrypted = stream.encrypt(std::string_view(plain).substr(0, stream.batch()));
    BOOST_REQUIRE(encrypted);
  };
  BOOST_TEST(stream.batch() == TlsStream::kRecordBytes);
  ssize_t sent = 0;
  while (sent >= 0) {
    send_batch();
    while (stream.pending() > 0 && (sent = stream.flush()) > 0) {
    }
  }
  BOOST_TEST(errno == EAGAIN);
  BOOST_TEST(stream.batch() == TlsStream::kRecordBytes);
  // The client takes a little at a time: what left is followed by one record.
  pair.take_all();
  while (stream.pending() > 0) {
    stream.flush();
    pair.take_all();
  }
  BOOST_TEST(stream.batch() <= 2 * TlsStream::kRecordBytes);
  send_batch();
  BOOST_TEST(stream.held() <= 2 * stream.batch() + 1024);
  // One that keeps up.
  for (size_t batch = 2 * TlsStream::kRecordBytes; batch <= TlsStream::kBatchBytes; batch *= 2) {
    while (stream.pending() > 0) {
      BOOST_REQUIRE(stream.flush() > 0);
      pair.take_all();
    }
    if (stream.batch() < batch) break;  // the socket holds less than a batch
    send_batch();
    BOOST_TEST(stream.held() <= 2 * stream.batch() + 1024);
  }
  BOOST_TEST(stream.batch() >= 4 * TlsStream::kRecordBytes);
  while (stream.pending() > 0) {
    BOOST_REQUIRE(stream.flush() > 0);
    pair.take_all();
  }
  stream.release_buffer();
  BOOST_TEST(stream.held() < 64u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::http::test
