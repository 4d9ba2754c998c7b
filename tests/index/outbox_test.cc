// What others are told of: tried again with growing pauses, parked in the end, never lost.
#include "index/commands/outbox.h"

#include "base/limits.h"
#include "index/read/outbox.h"
#include "index/secrets.h"
#include "tests/index/archive.h"

namespace holdfast {
namespace {

class Office : public Archive {
 public:
  Office() {
    furnish();
    row = ingest("CA1");
  }
  MessageRow enqueue() {
    const NewMessage message{workspace_no,
                             row.recording_no,
                             "https://example.org/hook",
                             "recording.restored",
                             {{"call_sid", "CA1"}}};
    Command<void> command{"enqueue",
                          [message](WriteTxn& txn) { return enqueue_message(txn, message); }};
    must(writer->call(std::move(command)));
    return messages().front();
  }
  std::vector<MessageRow> messages(const MessageFilter& filter = {}) {
    return must(list_messages(*index, filter, 100));
  }
  std::vector<MessageRow> due() { return must(due_messages(*index, clock.now(), 100)); }
  void fail(const MessageRow& message, bool final = false, const std::string& error = "503") {
    must(writer->call(settle_messages({{message.message_no, error, final}})));
  }

  IngestRow row;
};

BOOST_AUTO_TEST_SUITE(outbox)

BOOST_AUTO_TEST_CASE(a_message_that_was_taken_goes) {
  Office office;
  const MessageRow message = office.enqueue();
  BOOST_TEST(office.due().size() == 1U);
  BOOST_TEST(message.body.find("\"type\":\"recording.restored\"") != std::string::npos);
  must(office.writer->call(settle_messages({{message.message_no, "", false}})));
  BOOST_TEST(office.messages().empty());
  office.fail(message);  // a late answer of a row that is gone
  BOOST_TEST(must(outbox_count(*office.index)).waiting == 0);
}

BOOST_AUTO_TEST_CASE(pauses_grow_to_a_bound_and_then_it_is_parked) {
  Office office;
  const UnixMillis begun = office.enqueue().created_at;
  int64_t expected_ms = limits::kOutboxRetryMs;
  int tries = 0;
  for (;;) {
    const MessageRow before = office.due().at(0);
    office.fail(before, false, std::string(limits::kErrorBytesMax + 9, 'e'));
    const MessageRow after = office.messages().at(0);
    BOOST_TEST(after.attempts == ++tries);
    BOOST_TEST(after.error.size() == limits::kErrorBytesMax);
    BOOST_TEST(after.not_before.count - office.clock.now().count == expected_ms);
    if (after.parked_at) break;
    BOOST_TEST(office.due().empty());
    office.clock.jump_to(after.not_before);
    expected_ms = std::min(expected_ms * 4, limits::kOutboxRetryMsMax);
    BOOST_REQUIRE(tries < 1'000);
  }
  BOOST_TEST(expected_ms == limits::kOutboxRetryMsMax);
  // The last try was within the time, and the next would not have been.
  BOOST_TEST(office.clock.now().count <= begun.count + limits::kOutboxGiveUpMs);
  BOOST_TEST(office.clock.now().count + expected_ms > begun.count + limits::kOutboxGiveUpMs);
  office.clock.advance(days(30));
  BOOST_TEST(office.due().empty());
  BOOST_TEST(must(outbox_count(*office.index)).parked == 1);
}

BOOST_AUTO_TEST_CASE(what_no_try_can_help_is_parked_at_once_and_tried_again_when_asked) {
  Office office;
  const MessageRow first = office.enqueue();
  const MessageRow second = office.enqueue();
  const MessageRow waiting = office.enqueue();
  office.fail(first, true, "410");
  office.fail(second, true, "410");
  MessageFilter parked;
  parked.parked_only = true;
  BOOST_TEST(office.messages(parked).size() == 2U);
  const auto retry = [&](const ParkedMessages& which) {
    return must(office.writer->call(retry_messages(which)));
  };
  const WorkspaceNo other(office.workspace_no.value + 1);
  BOOST_TEST(retry({other, std::nullopt}) == 0);
  BOOST_TEST(retry({office.workspace_no, waiting.message}) == 0);  // it is not parked
  office.clock.advance(days(10));
  BOOST_TEST(retry({office.workspace_no, first.message}) == 1);
  BOOST_TEST(office.messages(parked).size() == 1U);
  // It has its whole time again.
  office.fail(first);
  BOOST_TEST(office.messages(parked).size() == 1U);
  // What waits is not dropped along.
  const ParkedMessages all{std::nullopt, std::nullopt};
  BOOST_TEST(must(office.writer->call(drop_messages(all))) == 1);
  BOOST_TEST(office.messages().size() == 2U);
  BOOST_TEST(must(outbox_count(*office.index)).parked == 0);
}

BOOST_AUTO_TEST_CASE(a_secret_signs_along_until_its_time_is_up) {
  Office office;
  const auto numbers = [&] {
    std::vector<int64_t> out;
    for (const WebhookSecret& one :
         must(webhook_secrets(*office.index, office.workspace_no, office.clock.now())))
      out.push_back(one.number);
    return out;
  };
  const auto ensure = [&] {
    return must(office.writer->call(ensure_webhook_secret(office.workspace_no, "uid:0")));
  };
  const auto rotate = [&] {
    return must(office.writer->call(rotate_webhook_secret(office.workspace_no, "uid:0")));
  };
  BOOST_TEST(ensure() == 1);
  BOOST_TEST(ensure() == 1);
  BOOST_TEST(rotate() == 2);
  BOOST_TEST((numbers() == std::vector<int64_t>{1, 2}));
  BOOST_TEST(rotate() == 3);  // two at most
  BOOST_TEST((numbers() == std::vector<int64_t>{2, 3}));
  office.clock.advance(Millis(limits::kWebhookSecretOverlapMs));
  BOOST_TEST((numbers() == std::vector<int64_t>{3}));
  BOOST_TEST(ensure() == 3);
  const WorkspaceNo nobody(office.workspace_no.value + 1);
  BOOST_TEST(
      (code_of(office.writer->call(rotate_webhook_secret(nobody, "uid:0"))) == Code::kNotFound));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace holdfast
