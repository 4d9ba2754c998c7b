// Lines: the exact bytes, and what is refused.
#include <boost/test/unit_test.hpp>

#include "io/digest.h"
#include "ledger/line.h"
#include "tests/ledger/rig.h"

using namespace holdfast;

BOOST_AUTO_TEST_CASE(a_line_is_canonical_json_with_sorted_keys) {
  LineDraft draft = draft_of("hold", 7);
  draft.details["a"] = "\xC3\xA4\n";
  const std::string text = must(format_line(draft, 3, UnixMillis(kStartMs), Digest()));
  BOOST_TEST(text ==
             "{\"details\":{\"a\":\"\xC3\xA4\\n\",\"value\":7},\"k\":\"hold\",\"n\":3,"
             "\"on\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa\","
             "\"p\":\"0000000000000000000000000000000000000000000000000000000000000000\","
             "\"t\":1795000000000,\"who\":\"key:abc\"}");
  const Line line = must(parse_line(text));
  BOOST_TEST(line.n == 3);
  BOOST_TEST(line.t.count == kStartMs);
  BOOST_TEST(line.kind == "hold");
  BOOST_TEST(line.who == "key:abc");
  BOOST_TEST(line.on.value() == "aaaaaaaaaaaaaaaaaaaaaaaaaa");
  BOOST_TEST(line.details.at("value").as_int64() == 7);
  BOOST_TEST((line.digest == sha256(text)));
}

BOOST_AUTO_TEST_CASE(what_is_empty_is_absent) {
  LineDraft draft;
  draft.kind = "list";
  draft.who = "uid:0";
  const std::string text = must(format_line(draft, 1, UnixMillis(0), Digest()));
  BOOST_TEST(text.find("details") == std::string::npos);
  BOOST_TEST(text.find("\"on\"") == std::string::npos);
  const Line line = must(parse_line(text));
  BOOST_TEST(!line.on.has_value());
  BOOST_TEST(line.details.empty());
}

BOOST_AUTO_TEST_CASE(a_malformed_draft_is_refused) {
  LineDraft draft = draft_of("Not A Kind", 1);
  BOOST_TEST((format_line(draft, 1, UnixMillis(0), Digest()).error().code == Code::kInvalid));
  draft = draft_of("hold", 1);
  draft.who.clear();
  BOOST_TEST((format_line(draft, 1, UnixMillis(0), Digest()).error().code == Code::kInvalid));
  draft = draft_of("hold", 1);
  draft.details["long"] = std::string(limits::kLedgerLineBytesMax, 'x');
  BOOST_TEST((format_line(draft, 1, UnixMillis(0), Digest()).error().code == Code::kTooLarge));
}

BOOST_AUTO_TEST_CASE(one_line_has_one_spelling) {
  const std::string good = must(format_line(draft_of("hold", 1), 1, UnixMillis(5), Digest()));
  BOOST_TEST(parse_line(good).ok());
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const std::string& bad :
       {good + " ", " " + good, good.substr(1), std::string("{}"), std::string("[]"), std::string(),
        replaced("\"n\":1", "\"n\":0"), replaced("\"n\":1", "\"n\":1.0"),
        replaced("\"n\":1", "\"n\": 1"), replaced("\"t\":5", "\"t\":-5"),
        replaced("\"t\":5", "\"t\":\"5\""), replaced("\"k\":\"hold\"", "\"k\":\"\""),
        replaced("{\"value\":1}", "{}"), replaced("{\"value\":1}", "7"),
        replaced("\"who\"", "\"whom\""), replaced("\"p\":\"00", "\"p\":\"0"),
        replaced("\"n\":1", "\"n\":1,\"o\":2"), replaced("\"n\":1", "\"n\":1,\"n\":1")})
    BOOST_TEST((!parse_line(bad).ok() && parse_line(bad).error().code == Code::kCorrupt), bad);

  // What format_line does not write is no line: nobody who did it, a digest in capital letters.
  const std::string who = "\"who\":\"" + must(parse_line(good)).who + "\"";
  BOOST_TEST(!parse_line(replaced(who, "\"who\":\"\"")).ok());
  const Digest previous = must(Digest::from_hex("ab" + std::string(62, '0')));
  std::string line = must(format_line(draft_of("hold", 1), 1, UnixMillis(5), previous));
  BOOST_TEST(parse_line(line).ok());
  BOOST_TEST(!parse_line(line.replace(line.find("\"ab0"), 3, "\"AB")).ok());
}

BOOST_AUTO_TEST_CASE(a_voiding_line_must_say_what_it_voids) {
  LineDraft draft;
  draft.kind = std::string(kVoidKind);
  draft.who = "system";
  draft.details = {{"segment", 1}, {"offset", 0}, {"from", 2}, {"to", 4}};
  const auto parsed = [&](int64_t n) {
    return void_of(must(parse_line(must(format_line(draft, n, UnixMillis(0), Digest())))));
  };
  const std::optional<Void> voided = must(parsed(5));
  BOOST_REQUIRE(voided.has_value());
  BOOST_TEST(voided->from == 2);
  BOOST_TEST(voided->to == 4);
  BOOST_TEST(!parsed(6).ok());      // a number between belongs to nobody
  draft.details["to"] = INT64_MAX;  // no number comes after it
  BOOST_TEST(!parsed(5).ok());
  draft.details["to"] = 4;
  draft.details.erase("offset");
  BOOST_TEST(!parsed(5).ok());
}
