// Hostile requests, made by hand (hostile_requests.h) and made by a seed (request_generator.h):
// what our server makes of them, beside nginx. Ours may be stricter, where the RFC lets it be and
// with a reason; it is never laxer, and never frames the bytes otherwise.
//
// HOLDFAST_REQUESTS says how many are made by the seed (default 5,000; 500 in a sanitizer build).
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <iostream>
#include <map>
#include <memory>
#include <set>

#include "tests/hostile/conversation.h"
#include "tests/hostile/hostile_requests.h"
#include "tests/hostile/nginx_process.h"
#include "tests/hostile/request_generator.h"
#include "tests/hostile/saw_server.h"
#include "tests/hostile/strict_reader.h"
#include "tests/support/effort.h"
#include "tests/support/sanitized.h"
#include "tests/support/seeded_random.h"

namespace holdfast::hostile {
namespace {

std::unique_ptr<NginxProcess> start_nginx() {
  const auto program = find_nginx();
  if (program) return std::make_unique<NginxProcess>(*program);
  std::cout << "skipped: no nginx 1.22 to compare with (bench/peers.sh fetches Debian's)\n";
  return nullptr;
}

// What each took and whether it kept the connection; with which status it refused is its own.
bool is_framed_alike(const Outcome& a, const Outcome& b) {
  return a.taken == b.taken && a.kept == b.kept;
}

// Of http://h?a nginx tells "?a", and means "/?a" as we do (RFC 9112, 3.2.1).
Outcome normal(Outcome theirs) {
  for (std::string& saw : theirs.taken)
    if (const size_t at = saw.find(' ') + 1; saw[at] == '?') saw.insert(at, 1, '/');
  return theirs;
}

bool is_prefix(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return a.size() <= b.size() && std::equal(a.begin(), a.end(), b.begin());
}

std::string printable(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (char c : bytes.substr(0, 1500)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\' || byte < 0x20 || byte > 0x7e)
      text += std::string("\\x") + kDigits[byte >> 4] + kDigits[byte & 15];
    else
      text += c;
    if (c == '\n') text += "\n    ";
  }
  return text;
}

// What the second reader says that our server makes of the bytes.
Outcome outcome_of(const StrictReading& reading) {
  Outcome outcome;
  outcome.taken = reading.taken;
  outcome.kept =
      reading.stop.empty() && !outcome.taken.empty() && outcome.taken.back() == kProbeSaw;
  if (outcome.kept) outcome.taken.pop_back();
  return outcome;
}

// What was found of the generated requests.
class Comparison {
 public:
  // `ours` is as `reading` says. False when the two differ in a way that nothing explains.
  bool add(const StrictReading& reading, const Outcome& ours, const Outcome& theirs) {
    if (is_framed_alike(ours, theirs)) return ++alike_, true;
    if (!reading.stop.empty() && is_prefix(ours.taken, theirs.taken)) {
      ++stricter_[reading.stop];
      return true;
    }
    if (ours.taken.size() <= theirs.taken.size() || !is_prefix(theirs.taken, ours.taken))
      return false;
    const std::string& why = reading.notes.at(theirs.taken.size());
    if (why.empty()) return false;
    ++otherwise_[why];
    return true;
  }
  void print() const {
    std::cout << "beside nginx: alike " << alike_ << "\n";
    for (const auto& [why, count] : stricter_)
      std::cout << "  stricter " << count << ": " << why << "\n";
    for (const auto& [why, count] : otherwise_)
      std::cout << "  otherwise " << count << ": " << why << "\n";
  }

 private:
  int alike_ = 0;
  std::map<std::string, int> stricter_;
  std::map<std::string, int> otherwise_;
};

BOOST_AUTO_TEST_CASE(a_transcript_is_read_as_it_was_meant) {
  const std::string saw = "HTTP/1.1 204 No Content\r\nX-Saw: ";
  const std::string probe = saw + "GET /probe 0\r\n\r\n";
  BOOST_TEST(to_text(read_transcript("")) == "closed");
  BOOST_TEST(to_text(read_transcript(probe)) == "kept");
  BOOST_TEST(to_text(read_transcript(saw + "GET /a 0\r\nDate: x\r\n\r\n" + probe)) ==
             "[GET /a 0] kept");
  BOOST_TEST(to_text(read_transcript("HTTP/1.1 100 Continue\r\n\r\n" + saw + "PUT /a 5\r\n\r\n")) ==
             "[PUT /a 5] closed");
  const std::string refusal = "HTTP/1.1 400 Bad Request\r\n\r\nspeak HTTP/1.1 and no other";
  BOOST_TEST(to_text(read_transcript(refusal)) == "400 closed");
  // Something is served behind a refusal: that is no refusal's end.
  BOOST_TEST(to_text(read_transcript(refusal + probe)) == "400 kept");
}

BOOST_AUTO_TEST_CASE(hostile_requests_are_refused_as_the_table_says) {
  SawServer ours;
  SeededRandom random;
  const std::vector<Hostile> all = hostile_requests();
  std::set<std::string> names;
  for (const Hostile& one : all) {
    BOOST_TEST(names.insert(one.name).second, "two rows are called \"" << one.name << "\"");
    for (const size_t cut : {size_t{0}, random.below(one.bytes.size() + 1)}) {
      const Outcome outcome = converse(ours.port(), one.bytes, cut);
      BOOST_TEST((outcome == one.ours), one.name << ": " << to_text(outcome) << " instead of "
                                                 << to_text(one.ours) << ", cut at " << cut);
    }
  }
  std::cout << "hostile requests " << all.size() << "\n";
  BOOST_TEST(all.size() >= 100u);
}

BOOST_AUTO_TEST_CASE(where_nginx_differs_the_table_says_why) {
  const auto nginx = start_nginx();
  if (!nginx) return;
  int stricter = 0;
  int other = 0;
  int gone = 0;
  for (const Hostile& one : hostile_requests()) {
    const Outcome theirs = normal(converse(nginx->port(), one.bytes));
    BOOST_TEST(!theirs.hung, one.name);
    if (is_framed_alike(one.ours, theirs)) {
      // Debian's patches may make it stricter than it was when the table was made.
      if (!one.differs.empty()) {
        ++gone;
        std::cout << "nginx is no laxer any more: " << one.name << "\n";
      }
      continue;
    }
    ++(one.ours.taken.size() <= theirs.taken.size() ? stricter : other);
    BOOST_TEST(!one.differs.empty(), one.name << ": ours " << to_text(one.ours) << ", nginx "
                                              << to_text(theirs) << ", and no reason is told");
  }
  std::cout << "beside nginx: stricter " << stricter << ", otherwise " << other
            << ", told and gone " << gone << "\n";
}

BOOST_AUTO_TEST_CASE(the_second_reader_agrees_with_the_table) {
  for (const Hostile& one : hostile_requests()) {
    const StrictReading reading = read_strictly(one.bytes + std::string(kProbe));
    BOOST_TEST(is_framed_alike(outcome_of(reading), one.ours),
               one.name << ": the reader says " << to_text(outcome_of(reading)) << " ("
                        << reading.stop << ")");
  }
}

BOOST_AUTO_TEST_CASE(generated_requests_are_read_as_the_second_reader_and_nginx_read_them) {
  testing::Effort requests("HOLDFAST_REQUESTS", testing::kSanitized ? 500 : 5'000);
  SawServer ours;
  const auto nginx = start_nginx();
  SeededRandom random;
  RequestGenerator generator(random);
  Comparison comparison;
  int conversations = 0;
  int served = 0;
  int refused = 0;
  while (!requests.is_over()) {
    int made = 0;
    const std::string bytes = generator.conversation(made);
    for (; made > 0; --made) requests.another();
    ++conversations;
    const StrictReading reading = read_strictly(bytes + std::string(kProbe));
    const size_t cut = random.below(4) == 0 ? random.below(bytes.size() + 1) : 0;
    const Outcome outcome = converse(ours.port(), bytes, cut);
    served += static_cast<int>(outcome.taken.size());
    refused += outcome.kept ? 0 : 1;
    if (outcome.hung || !is_framed_alike(outcome, outcome_of(reading))) {
      BOOST_ERROR("ours: " << to_text(outcome)
                           << ", the second reader: " << to_text(outcome_of(reading)) << " ("
                           << reading.stop << "), cut at " << cut << ":\n    " << printable(bytes));
      continue;
    }
    if (!nginx) continue;
    const Outcome theirs = normal(converse(nginx->port(), bytes, cut));
    if (theirs.hung || !comparison.add(reading, outcome, theirs))
      BOOST_ERROR("ours: " << to_text(outcome) << ", nginx: " << to_text(theirs) << " ("
                           << reading.stop << "), cut at " << cut << ":\n    " << printable(bytes));
  }
  std::cout << "requests " << requests.done() << " in " << conversations
            << " conversations, served " << served << ", ended early " << refused << "\n";
  if (nginx) comparison.print();
  BOOST_TEST(served > requests.done() / 4);
  BOOST_TEST(refused > conversations / 10);
}

}  // namespace
}  // namespace holdfast::hostile
