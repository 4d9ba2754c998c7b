// What a line of the log is as an entry of the journal, and when it becomes one.
#include "daemon/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "io/fd.h"

using namespace holdfast;

namespace {

std::vector<std::string> seen;  // by the sink
bool takes = true;

bool keep(const log::Line& line) {
  seen = journal_fields(line);
  return takes;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(journal)

BOOST_AUTO_TEST_CASE(a_line_has_its_event_and_its_fields) {
  log::set_sink(keep);
  log::event(log::Level::kWarning, "move.failed", {{"PACK", "abc"}, {"EDGE", "x=y\nz"}},
             "move of pack {}: {}", "abc", "two\nlines");
  log::set_sink(nullptr);
  const std::vector<std::string> expected = {"PRIORITY=4",
                                             "MESSAGE=move of pack abc: two\nlines",
                                             "SYSLOG_IDENTIFIER=holdfastd",
                                             "HOLDFAST_EVENT=move.failed",
                                             "HOLDFAST_PACK=abc",
                                             "HOLDFAST_EDGE=x=y\nz"};
  BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_plain_line_has_neither_and_a_level_is_kept_to) {
  log::set_sink(keep);
  log::error("{}", "no");
  BOOST_TEST(seen.size() == 3u);
  BOOST_TEST(seen.front() == "PRIORITY=3");
  seen.clear();
  log::write(log::Level::kDebug, "not at this level");
  BOOST_TEST(seen.empty());
  log::set_sink(nullptr);
}

BOOST_AUTO_TEST_CASE(the_journal_is_known_by_its_stream) {
  int ends[2] = {-1, -1};
  BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const Fd in(ends[0]);
  const Fd out(ends[1]);
  struct stat status {};
  BOOST_REQUIRE(::fstat(out.get(), &status) == 0);
  const std::string own = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  BOOST_TEST(is_journal_stream(out.get(), own.c_str()));
  BOOST_TEST(!is_journal_stream(out.get(), nullptr));
  BOOST_TEST(!is_journal_stream(out.get(), "8:1"));
  BOOST_TEST(!is_journal_stream(out.get(), ""));
  BOOST_TEST(!is_journal_stream(-1, own.c_str()));
}

BOOST_AUTO_TEST_CASE(what_the_sink_cannot_take_goes_to_standard_error) {
  int ends[2] = {-1, -1};
  BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const Fd in(ends[0]);
  Fd out(ends[1]);
  const Fd before(::dup(STDERR_FILENO));
  ::dup2(out.get(), STDERR_FILENO);
  takes = false;
  log::set_sink(keep);
  log::event(log::Level::kInfo, "x", {}, "as {}", "text");
  log::set_sink(nullptr);
  takes = true;
  ::dup2(before.get(), STDERR_FILENO);
  char text[64] = {};
  BOOST_TEST(::read(in.get(), text, sizeof text - 1) == 11);
  BOOST_TEST(std::string(text) == "<6>as text\n");
}

BOOST_AUTO_TEST_SUITE_END()
