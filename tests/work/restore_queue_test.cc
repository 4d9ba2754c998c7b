// The lanes' choice over hours of simulated time: thousands of mixed requests, real rows in a real
// index, and a clock that the test moves. No request waits past its tier's bound, no priority
// starves another, and no workspace another.
#include <map>
#include <tuple>

#include "daemon/work/recall_queue.h"
#include "index/commands/restores.h"
#include "tests/support/archive_fixture.h"
#include "tiers/estimate.h"

namespace holdfast {
namespace {

constexpr int64_t kBytes = 480'000;  // of a recording: a minute of a call
constexpr Bytes kRoom{int64_t{1} << 50};

// An archive of which only the rows exist.
class Rows {
 public:
  Rows() {
    for (Tier tier : {Tier::kWarm, Tier::kCold}) {
      const auto number = static_cast<int64_t>(tier);
      run("INSERT INTO pack (pack_no, pack_id, cohort, target_no, state, opened_at, sealed_at, "
          "sha256) SELECT " +
          std::to_string(number) +
          ", randomblob(16), 'open', medium_no, 1, 1, 1, zeroblob(32) FROM medium WHERE tier = " +
          std::to_string(number));
      run("INSERT INTO pack_copy (pack_no, medium_no, location, state, copied_at, verified_at, "
          "verify_mode) SELECT " +
          std::to_string(number) +
          ", medium_no, 'p', 2, 1, 1, 1 FROM medium WHERE tier = " + std::to_string(number));
    }
    for (int i = 0; i < 40; ++i)
      must(rig.archive().writer.call(
          add_workspace(rig.random.id<WorkspaceId>(), "tenant" + std::to_string(i), "uid:0")));
  }

  // A recording with one part in the tier's pack, and a request for it, in one command with others.
  struct Wanted {
    Tier tier = Tier::kWarm;
    int tenant = 0;
    RestorePriority priority = RestorePriority::kStandard;
    int64_t length = 1000;  // on the medium
  };
  void ask(const std::vector<Wanted>& wanted) {
    if (wanted.empty()) return;
    std::vector<RequestRestore> requests;
    for (const Wanted& one : wanted) {
      RequestRestore request;
      request.recording = RecordingNo(1'000'000 + ++made_);
      request.restore = rig.random.id<RestoreId>();
      request.who = "key:" + std::to_string(one.tenant);
      request.priority = one.priority;
      requests.push_back(request);
      asked[request.restore] = {one, rig.clock.now()};
    }
    const auto apply = [&](WriteTxn& txn) -> Status {
      for (size_t i = 0; i < requests.size(); ++i) {
        HOLDFAST_TRY(insert(txn, wanted[i], requests[i].recording.value));
        HOLDFAST_ASSIGN(outcome, request_restore(requests[i]).apply(txn));
        static_cast<void>(outcome);
      }
      return {};
    };
    must(rig.archive().writer.call(Command<void>{"ask", apply}));
  }
  void serve(const RecallBatch& batch) {
    const auto apply = [&](WriteTxn& txn) -> Status {
      for (const QueuedRecall& one : batch.recalls) {
        HOLDFAST_TRY(begin_recall(one.restore, kRoom).apply(txn));
        HOLDFAST_ASSIGN(
            staged, restore_staged(one.restore, rig.archive().standard_medium(), {1}).apply(txn));
        if (staged.state != RestoreState::kStaged) return Error{Code::kConflict, "not staged"};
      }
      return {};
    };
    must(rig.archive().writer.call(Command<void>{"serve", apply}));
  }
  void run(const std::string& sql) {
    const auto apply = [sql](WriteTxn& txn) { return txn.index().execute(sql); };
    must(rig.archive().writer.call(Command<void>{"sql", apply}));
  }

  ArchiveFixture rig;
  std::map<RestoreId, std::pair<Wanted, UnixMillis>> asked;  // those that wait

 private:
  static Status insert(WriteTxn& txn, const Wanted& one, int64_t number) {
    const std::string no = std::to_string(number);
    const std::string tier = std::to_string(static_cast<int>(one.tier));
    HOLDFAST_TRY(txn.index().execute(
        "INSERT INTO recording (recording_no, recording_id, workspace_no, call_sid, started_at, "
        "ended_at, received_at, day, state, flags, tier, parts, bytes) VALUES (" +
        no + ", randomblob(16), (SELECT max(workspace_no) FROM workspace) - " +
        std::to_string(one.tenant) + ", 'CA" + no + "', 1, 1, 1, 19700101, 1, 0, " + tier +
        ", 1, " + std::to_string(kBytes) + ")"));
    HOLDFAST_TRY(txn.index().execute(
        "INSERT INTO part (recording_no, part, bytes, received_at, placed) VALUES (" + no +
        ", 1, " + std::to_string(kBytes) + ", 1, 1)"));
    return txn.index().execute(
        "INSERT INTO copy (recording_no, part, medium_no, pack_no, audio_offset, audio_length, "
        "metadata_offset, metadata_length, state, copied_at, verified_at, verify_mode) SELECT " +
        no + ", 1, medium_no, " + tier + ", " + no + ", " + std::to_string(one.length) +
        ", 9, 9, 2, 1, 1, 1 FROM medium " + "WHERE tier = " + tier);
  }
  int64_t made_ = 0;
};

// One lane: a batch takes its recalls' time, and then the next is chosen.
struct Lane {
  RecallQueue queue;
  Millis per_recall;
  UnixMillis busy_until{0};
};

struct Longest {
  std::map<std::tuple<Tier, RestorePriority>, int64_t> seconds;
  std::map<int, int64_t> of_tenant;
  Millis batch{0};
  int served = 0;
};

// Serves what waits and tells how long each had waited when its batch was done.
void turn(Rows& rows, Lane& lane, Longest& longest) {
  if (rows.rig.clock.now() < lane.busy_until) return;
  const RecallBatch batch = must(lane.queue.next(kRoom));
  if (batch.recalls.empty()) return;
  const Millis takes{lane.per_recall.count * static_cast<int64_t>(batch.recalls.size())};
  lane.busy_until = rows.rig.clock.now() + takes;
  longest.batch = std::max(longest.batch, takes);
  for (const QueuedRecall& one : batch.recalls) {
    const auto& [wanted, at] = rows.asked.at(one.restore);
    const int64_t waited = (lane.busy_until - at).count / 1000;
    auto& of_kind = longest.seconds[{wanted.tier, wanted.priority}];
    of_kind = std::max(of_kind, waited);
    longest.of_tenant[wanted.tenant] = std::max(longest.of_tenant[wanted.tenant], waited);
    BOOST_TEST(waited <= bound_seconds(wanted.tier));
    rows.asked.erase(one.restore);
    ++longest.served;
  }
  rows.serve(batch);
}

BOOST_AUTO_TEST_SUITE(restore_queue)

// Half a day: one tenant asks for more expedited recalls from cold than the medium can do, on top
// of a bulk job of thousands; others ask for a few things now and then, from both tiers.
BOOST_AUTO_TEST_CASE(no_mixed_request_waits_past_its_tiers_bound) {
  Rows rows;
  SeededRandom random;
  Lane warm{RecallQueue(rows.rig.archive(), Tier::kWarm), seconds(1)};
  Lane cold{RecallQueue(rows.rig.archive(), Tier::kCold), seconds(10)};
  const UnixMillis end = rows.rig.clock.now() + hours(12);
  std::vector<Rows::Wanted> first;
  for (int i = 0; i < 1500; ++i) first.push_back({Tier::kCold, 0, RestorePriority::kBulk});
  rows.ask(first);
  Longest longest;
  const auto priority = [&] { return static_cast<RestorePriority>(random.below(3)); };
  for (int minute = 0; rows.rig.clock.now() < end || !rows.asked.empty(); ++minute) {
    BOOST_REQUIRE(minute < 60 * 48);
    if (rows.rig.clock.now() < end) {
      std::vector<Rows::Wanted> wanted;
      // 7 a minute; the medium does 6.
      for (int i = 0; i < 7; ++i) wanted.push_back({Tier::kCold, 0, RestorePriority::kExpedited});
      if (minute % 30 == 0)
        wanted.push_back({Tier::kCold, 1 + static_cast<int>(random.below(39)), priority()});
      for (uint64_t i = random.below(8); i > 0; --i)
        wanted.push_back({Tier::kWarm, static_cast<int>(random.below(40)), priority()});
      rows.ask(wanted);
    }
    turn(rows, warm, longest);
    turn(rows, cold, longest);
    rows.rig.clock.advance(minutes(1));
  }
  BOOST_TEST(longest.served > 6000);
  // The long queue of cold hides no request for warm.
  for (const auto& [kind, waited] : longest.seconds)
    if (std::get<Tier>(kind) == Tier::kWarm) BOOST_TEST(waited <= 10 * 60);
  // One that asks for little waits for the batch under way and for its own, whatever the others do.
  for (const auto& [tenant, waited] : longest.of_tenant)
    if (tenant != 0) BOOST_TEST(waited <= 2 * longest.batch.count / 1000 + 60);
  BOOST_TEST(longest.of_tenant.size() == 40U);
  std::cout << "served " << longest.served << "; longest wait by tier and priority, in minutes:";
  for (const auto& [kind, waited] : longest.seconds)
    std::cout << ' ' << word(std::get<Tier>(kind)) << '/' << word(std::get<RestorePriority>(kind))
              << ' ' << waited / 60;
  std::cout << '\n';
}

// More urgent requests than a look takes, all younger: the oldest is in the next batches anyway.
BOOST_AUTO_TEST_CASE(the_oldest_is_not_hidden_by_any_number_of_urgent_ones) {
  Rows rows;
  rows.ask({{Tier::kWarm, 3, RestorePriority::kBulk}});
  const RestoreId oldest = rows.asked.begin()->first;
  rows.rig.clock.advance(Millis(1));
  std::vector<Rows::Wanted> flood;
  for (int i = 0; i < 2500; ++i)
    flood.push_back({Tier::kWarm, i % 40, RestorePriority::kExpedited});
  rows.ask(flood);
  RecallQueue queue(rows.rig.archive(), Tier::kWarm);
  const RecallBatch batch = must(queue.next(kRoom));
  BOOST_TEST(batch.recalls.size() == 256U);
  const bool found = std::any_of(batch.recalls.begin(), batch.recalls.end(),
                                 [&](const QueuedRecall& one) { return one.restore == oldest; });
  BOOST_TEST(found);
}

// The order in which a lane really takes what waits, batch by batch, until nothing is left.
std::vector<RestoreId> served_by(Rows& rows, RecallQueue& queue) {
  std::vector<RestoreId> order;
  for (;;) {
    const RecallBatch batch = must(queue.next(kRoom));
    if (batch.recalls.empty()) return order;
    for (const QueuedRecall& one : batch.recalls) order.push_back(one.restore);
    rows.serve(batch);
  }
}

std::map<RestoreId, int> positions(Rows& rows) {
  auto index = must(rows.rig.archive().index.take());
  RecallForecast forecast(rows.rig.archive(), *index);
  std::map<RestoreId, int> places;
  for (const auto& [restore, wanted] : rows.asked)
    places[restore] = must(forecast.of(*must(find_restore(*index, restore)))).position;
  return places;
}

// The place that is told is the place that the lane gives, through many batches: mixed tenants,
// priorities, ages and lengths.
BOOST_AUTO_TEST_CASE(the_position_is_the_one_that_the_lane_gives) {
  Rows rows;
  SeededRandom random;
  for (int minute = 0; minute < 12; ++minute) {
    std::vector<Rows::Wanted> wanted;
    for (int i = 0; i < 20; ++i)
      wanted.push_back({Tier::kCold, static_cast<int>(random.below(6)),
                        static_cast<RestorePriority>(random.below(3)),
                        static_cast<int64_t>(random.below(int64_t{1} << 30))});
    rows.ask(wanted);
    rows.rig.clock.advance(minutes(1 + static_cast<int64_t>(random.below(60))));
  }
  const std::map<RestoreId, int> told = positions(rows);
  RecallQueue queue(rows.rig.archive(), Tier::kCold);
  const std::vector<RestoreId> order = served_by(rows, queue);
  BOOST_TEST_REQUIRE(order.size() == told.size());
  BOOST_TEST(queue.turn() > 10U);
  for (size_t i = 0; i < order.size(); ++i)
    BOOST_TEST(told.at(order[i]) == static_cast<int>(i) + 1);
}

// With the batch under way on the board, what comes meanwhile is behind it, however urgent.
BOOST_AUTO_TEST_CASE(the_batch_under_way_is_before_all_others) {
  Rows rows;
  std::vector<Rows::Wanted> wanted;
  for (int i = 0; i < 10; ++i) wanted.push_back({Tier::kCold, 1, RestorePriority::kBulk});
  rows.ask(wanted);
  RecallQueue queue(rows.rig.archive(), Tier::kCold);
  const RecallBatch batch = must(queue.next(kRoom));
  std::vector<RestoreId> order;
  for (const QueuedRecall& one : batch.recalls) order.push_back(one.restore);
  rows.rig.archive().recalls.begin_batch(Tier::kCold, order, queue.turn());
  rows.ask({{Tier::kCold, 2, RestorePriority::kExpedited}});
  const std::map<RestoreId, int> told = positions(rows);
  for (size_t i = 0; i < order.size(); ++i)
    BOOST_TEST(told.at(order[i]) == static_cast<int>(i) + 1);
  for (const auto& [restore, place] : told)
    if (std::find(order.begin(), order.end(), restore) == order.end()) BOOST_TEST(place == 11);
}

// A queue longer than a look: nobody is told a place that is far better than what it gets.
BOOST_AUTO_TEST_CASE(a_place_in_a_long_queue_is_near_the_truth) {
  Rows rows;
  SeededRandom random;
  for (int minute = 0; minute < 30; ++minute) {
    std::vector<Rows::Wanted> wanted;
    for (int i = 0; i < 100; ++i)  // half of them one tenant's bulk job
      wanted.push_back(
          {Tier::kCold, i % 2 == 0 ? 0 : static_cast<int>(random.below(40)),
           i % 2 == 0 ? RestorePriority::kBulk : static_cast<RestorePriority>(random.below(3))});
    rows.ask(wanted);
    rows.rig.clock.advance(minutes(1));
  }
  const std::map<RestoreId, int> told = positions(rows);
  RecallQueue queue(rows.rig.archive(), Tier::kCold);
  const std::vector<RestoreId> order = served_by(rows, queue);
  double wrong = 0;
  int worst = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const int late = static_cast<int>(i) + 1 - told.at(order[i]);
    wrong += std::abs(late);
    worst = std::max(worst, late);
  }
  std::cout << "of " << order.size() << " places: mean error " << wrong / 3000 << ", latest "
            << worst << " places later than told\n";
  BOOST_TEST(wrong / static_cast<double>(order.size()) < 256);
  BOOST_TEST(worst < 768);
}

// The loop's own forecast: a long queue is looked at once a second, and who came since is told a
// place all the same.
BOOST_AUTO_TEST_CASE(a_forecast_for_many_answers_is_not_old) {
  Rows rows;
  rows.ask(std::vector<Rows::Wanted>(100, {Tier::kCold, 1, RestorePriority::kBulk}));
  auto index = must(rows.rig.archive().index.take());
  RecallForecast forecast(rows.rig.archive(), *index, RecallForecast::For::kManyAnswers);
  const auto place_of = [&](const RestoreId& restore) {
    return must(forecast.of(*must(find_restore(*index, restore)))).position;
  };
  const RestoreId first = rows.asked.begin()->first;
  BOOST_TEST(place_of(first) <= 100);
  rows.rig.clock.advance(Millis(500));
  std::set<RestoreId> known;
  for (const auto& [restore, wanted] : rows.asked) known.insert(restore);
  rows.ask({{Tier::kCold, 2, RestorePriority::kExpedited}});
  for (const auto& [restore, wanted] : rows.asked)
    if (!known.contains(restore)) BOOST_TEST(place_of(restore) <= 101);
  RecallQueue queue(rows.rig.archive(), Tier::kCold);
  BOOST_TEST(served_by(rows, queue).size() == 101U);
  BOOST_TEST(place_of(first) == 0);  // it is there
}

// With more groups than one look takes, the looks go round: each is among some look's rows.
BOOST_AUTO_TEST_CASE(looks_go_round_the_workspaces) {
  Rows rows;
  std::vector<Rows::Wanted> wanted;
  for (int tenant = 0; tenant < 40; ++tenant)
    for (int i = 0; i < 3; ++i) wanted.push_back({Tier::kCold, tenant, RestorePriority::kStandard});
  rows.ask(wanted);
  auto index = must(rows.rig.archive().index.take());
  std::set<WorkspaceId> seen;
  ReadyShare share;
  share.oldest = 2;
  share.by_group = 14;
  share.groups_max = 7;
  for (int look = 0; look < 6; ++look) {
    const ReadyRestores ready =
        must(ready_restores(*index, Tier::kCold, rows.rig.clock.now(), share));
    BOOST_TEST(ready.rows.size() <= 16U);
    for (const RestoreRow& row : ready.rows) seen.insert(row.workspace);
    BOOST_TEST(ready.go_on_with.value != 0);
    share.begin_with = ready.go_on_with;
  }
  BOOST_TEST(seen.size() == 40U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
