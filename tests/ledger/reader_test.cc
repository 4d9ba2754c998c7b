// Reading and checking chains: both orders, filters, sealed segments, the
// standard tools, and a reader beside the writer.
#include <atomic>
#include <cstdlib>
#include <thread>

#include "tests/ledger/rig.h"

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

using Values = std::vector<int64_t>;

Values read(LedgerRig& rig, ReadOptions options, size_t most = SIZE_MAX) {
  Values found;
  must(read_chain(*rig.io, rig.ledger->decisions_fd(), options,
                  [&](const Line& line) -> Result<bool> {
                    found.push_back(line.n);
                    return found.size() < most;
                  }));
  return found;
}

}  // namespace

BOOST_AUTO_TEST_CASE(lines_are_read_in_both_orders_and_by_number_and_time) {
  LedgerRig rig;
  rig.options.segment_bytes_max = Bytes(700);
  rig.open();
  for (int64_t value = 1; value <= 20; ++value) {
    must(rig.decide(value));
    rig.clock.advance(Millis(10));
  }
  ReadOptions options;
  Values all;
  for (int64_t n = 1; n <= 20; ++n) all.push_back(n);
  BOOST_TEST(read(rig, options) == all);
  options.order = ReadOptions::Order::kNewestFirst;
  BOOST_TEST(read(rig, options) == Values(all.rbegin(), all.rend()));
  BOOST_TEST(read(rig, options, 3) == (Values{20, 19, 18}));
  options.from_n = 5;
  options.to_n = 7;
  BOOST_TEST(read(rig, options) == (Values{7, 6, 5}));
  options.order = ReadOptions::Order::kOldestFirst;
  BOOST_TEST(read(rig, options) == (Values{5, 6, 7}));
  options = ReadOptions();
  options.since = UnixMillis(kStartMs + 30);
  options.until = UnixMillis(kStartMs + 60);
  BOOST_TEST(read(rig, options) == (Values{4, 5, 6}));
  options = ReadOptions();
  options.from_n = 100;
  BOOST_TEST(read(rig, options).empty());
}

BOOST_AUTO_TEST_CASE(a_day_ends_a_segment_and_zstd_reads_what_was_sealed) {
  LedgerRig rig;
  rig.open();
  must(rig.decide(1));
  const std::string first_day = contents_of(rig.main_segment(1));
  rig.clock.advance(days(1));
  must(rig.decide(2));
  BOOST_TEST(!fs::exists(rig.main_segment(1)));
  BOOST_TEST(fs::exists(rig.main_segment(2)));
  const std::string sealed = rig.directory / ("ledger/decisions/" + segment_name(1, true));
  const std::string unpacked = rig.directory / "unpacked";
  BOOST_REQUIRE(std::system(("zstd -q -dc " + sealed + " > " + unpacked).c_str()) == 0);
  BOOST_TEST(contents_of(unpacked) == first_day);
  ReadOptions options;
  options.since = UnixMillis(kStartMs + days(1).count);
  BOOST_TEST(read(rig, options) == Values{2});
  options = ReadOptions();
  options.until = UnixMillis(kStartMs + 1);
  BOOST_TEST(read(rig, options) == Values{1});
  rig.check_agreement();
}

BOOST_AUTO_TEST_CASE(long_segments_are_read_by_pieces_plain_and_sealed) {
  LedgerRig rig;
  rig.open();
  LineDraft draft = draft_of("ingest", 0);
  draft.details["pad"] = std::string(9000, 'x');
  for (int64_t value = 0; value < 300; ++value) {  // 2.7 MB: three pieces
    draft.details["value"] = value;
    must(rig.ledger->stage(draft));
  }
  must(rig.ledger->commit());
  Values all;
  for (int64_t n = 1; n <= 300; ++n) all.push_back(n);
  for (const bool sealed : {false, true}) {
    if (sealed) {
      rig.clock.advance(days(1));
      must(rig.decide(300));
      all.push_back(301);
      BOOST_REQUIRE(!fs::exists(rig.main_segment(1)));
    }
    ReadOptions options;
    BOOST_TEST((read(rig, options) == all));
    options.order = ReadOptions::Order::kNewestFirst;
    BOOST_TEST((read(rig, options) == Values(all.rbegin(), all.rend())));
    const ChainReport report = rig.verify("ledger/decisions");
    BOOST_TEST(report.lines == static_cast<int64_t>(all.size()));
    BOOST_TEST(!report.broken);
  }
}

BOOST_AUTO_TEST_CASE(a_reader_stops_at_the_durable_end) {
  LedgerRig rig;
  rig.open();
  must(rig.decide(1));
  ReadOptions options;
  options.end = rig.ledger->decisions_end();
  must(rig.decide(2));
  rig.clock.advance(days(1));
  must(rig.decide(3));
  for (const auto order : {ReadOptions::Order::kOldestFirst, ReadOptions::Order::kNewestFirst}) {
    options.order = order;
    BOOST_TEST(read(rig, options) == Values{1});  // also after its segment was sealed
  }
}

BOOST_AUTO_TEST_CASE(any_changed_byte_is_found) {
  LedgerRig rig;
  rig.open();
  for (const int64_t value : {1, 2, 3}) {
    must(rig.decide(value));
    rig.clock.advance(Millis(1));
  }
  rig.ledger.reset();
  const std::string whole = contents_of(rig.main_segment(1));
  // In the last line nothing follows that would tell; the mirror and its head do.
  const size_t last_line = whole.rfind('\n', whole.size() - 2) + 1;
  const ChainReport good = rig.verify("ledger/decisions");
  BOOST_TEST(!good.broken);
  BOOST_TEST(good.first_n == 1);
  BOOST_TEST(good.last_n == 3);
  for (size_t at = 0; at < last_line; at += 3) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    write_file(rig.main_segment(1), changed);
    BOOST_TEST(rig.verify("ledger/decisions").broken.has_value(), "byte " << at);
  }
  // A line that is left out, and two that changed places.
  const size_t second = whole.find('\n') + 1;
  write_file(rig.main_segment(1), whole.substr(0, second) + whole.substr(last_line));
  BOOST_TEST(rig.verify("ledger/decisions").broken->offset.count == static_cast<int64_t>(second));
  write_file(rig.main_segment(1),
             whole.substr(second, last_line - second) + whole.substr(0, second));
  BOOST_TEST(rig.verify("ledger/decisions").broken.has_value());
}

BOOST_AUTO_TEST_CASE(a_sealed_segment_that_was_damaged_is_found) {
  LedgerRig rig;
  rig.open();
  must(rig.decide(1));
  rig.clock.advance(days(1));
  must(rig.decide(2));
  const std::string sealed = rig.directory / ("ledger/decisions/" + segment_name(1, true));
  const std::string whole = contents_of(sealed);
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    write_file(sealed, changed);
    const Fd fd = must(open_root(rig.directory / "ledger/decisions"));
    const Result<ChainReport> report = verify_chain(*rig.io, fd.get(), nullptr);
    // A changed trailer is an error of reading; a changed frame is a broken place.
    // The trailer's own head is not needed to check the lines.
    if (report.ok() && !report->broken) {
      BOOST_TEST(report->lines == 2, "byte " << at);
      BOOST_TEST((report->head == rig.verify("mirror/decisions").head));
    }
  }
}

BOOST_AUTO_TEST_CASE(access_segments_are_dropped_whole_by_day) {
  LedgerRig rig;
  rig.open();
  for (int day = 0; day < 4; ++day) {
    must(rig.ledger->append_access({draft_of("list", day)}));
    rig.clock.advance(days(1));
  }
  BOOST_TEST(must(rig.ledger->drop_access_before(UnixMillis(kStartMs + days(2).count))) == 2);
  const ChainReport report = rig.verify("ledger/access");
  BOOST_TEST(report.first_n == 3);
  BOOST_TEST(!report.broken);
  BOOST_TEST(report.gaps.empty());
  // The segment that is appended to stays, whatever the time.
  BOOST_TEST(must(rig.ledger->drop_access_before(UnixMillis(kStartMs + days(99).count))) == 1);
  rig.open();
  must(rig.ledger->append_access({draft_of("list", 9)}));
  BOOST_TEST(rig.verify("ledger/access").last_n == 5);
}

BOOST_AUTO_TEST_CASE(one_commit_makes_a_whole_batch_durable_with_one_sync_a_chain) {
  LedgerRig rig;
  rig.open();
  must(rig.decide(0));
  must(rig.ledger->append_access({draft_of("list", 0)}));
  const int64_t before = rig.io->counters().syncs;
  for (int64_t value = 1; value <= 64; ++value) {
    must(rig.ledger->stage(draft_of("hold", value)));
    must(rig.ledger->stage_access(draft_of("link.mint", value)));
  }
  must(rig.ledger->commit());
  BOOST_TEST(rig.io->counters().syncs - before == 3);  // access, decisions, mirror
  // A new segment is durable with its name: two syncs a place.
  LedgerRig fresh;
  fresh.open();
  const int64_t empty = fresh.io->counters().syncs;
  must(fresh.decide(1));
  BOOST_TEST(fresh.io->counters().syncs - empty == 4);
}

BOOST_AUTO_TEST_CASE(a_rolled_back_batch_leaves_no_trace) {
  LedgerRig rig;
  rig.open();
  must(rig.decide(1));
  must(rig.ledger->stage(draft_of("hold", 2)));
  must(rig.ledger->stage_access(draft_of("list", 2)));
  rig.ledger->rollback();
  must(rig.ledger->commit());
  BOOST_TEST(rig.decide(3).value() == 2);
  BOOST_TEST(rig.values() == (Values{1, 3}));
  BOOST_TEST(rig.ledger->access_end().last_n == 0);
}

BOOST_AUTO_TEST_CASE(readers_beside_the_writer_see_whole_chains_only) {
  LedgerRig rig;
  rig.options.segment_bytes_max = Bytes(4000);
  rig.open();
  must(rig.decide(0));
  std::atomic<bool> done{false};
  std::atomic<int> failures{0};
  std::atomic<int> rounds{0};
  const auto reading = [&](ReadOptions::Order order) {
    const auto io = Io::open().value();
    while (!done || rounds < 4) {
      ReadOptions options;
      options.order = order;
      options.end = rig.ledger->decisions_end();
      int64_t lines = 0;
      const Status status = read_chain(*io, rig.ledger->decisions_fd(), options,
                                       [&](const Line&) -> Result<bool> { return ++lines > 0; });
      if (!status.ok() || lines != options.end->last_n) ++failures;
      const Result<ChainReport> report =
          verify_chain(*io, rig.ledger->decisions_fd(), nullptr, rig.ledger->decisions_end());
      if (!report.ok() || report->broken || !report->gaps.empty()) ++failures;
      ++rounds;
    }
  };
  std::thread forward(reading, ReadOptions::Order::kOldestFirst);
  std::thread backward(reading, ReadOptions::Order::kNewestFirst);
  bool appended = true;
  for (int64_t value = 1; value <= 300 && appended; ++value) appended = rig.decide(value).ok();
  done = true;
  forward.join();
  backward.join();
  BOOST_TEST(appended);
  BOOST_TEST(failures == 0);
  BOOST_TEST(rounds >= 4);
}
