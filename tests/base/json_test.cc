// Canonical JSON: the same value gives the same bytes; what has two meanings is refused.
#include "base/json.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "tests/support/seeded_random.h"

using namespace holdfast;

namespace {

std::string again(std::string_view text) {
  const Result<json::value> value = parse_json(text);
  return value.ok() ? canonical(*value) : "refused: " + value.error().message;
}

json::object object_of(std::string_view text) { return parse_json(text).value().as_object(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(json_text)

BOOST_AUTO_TEST_CASE(keys_sort_by_bytes_and_spaces_go) {
  BOOST_TEST(again(R"( { "b" : 1 , "a" : [ true , null , "x" ] , "B" : { } } )") ==
             R"({"B":{},"a":[true,null,"x"],"b":1})");
  BOOST_TEST(again("{\"\xc3\xa9\":1,\"z\":2}") == "{\"z\":2,\"\xc3\xa9\":1}");
  BOOST_TEST(again(R"({"a":{"c":{},"b":[]}})") == R"({"a":{"b":[],"c":{}}})");
}

BOOST_AUTO_TEST_CASE(integers_stay_integers) {
  BOOST_TEST(again("9223372036854775807") == "9223372036854775807");
  BOOST_TEST(again("-9223372036854775808") == "-9223372036854775808");
  BOOST_TEST(again("[0,-1]") == "[0,-1]");
}

BOOST_AUTO_TEST_CASE(strings_are_escaped_and_come_back) {
  json::object object;
  object["text"] = std::string("quote \" backslash \\ line\nzero") + '\0' + "\xf0\x9f\x93\x9e";
  const std::string text = canonical(object);
  BOOST_TEST(text.find('\n') == std::string::npos);
  BOOST_TEST((parse_json(text).value() == json::value(object)));
}

BOOST_AUTO_TEST_CASE(canonical_is_a_fixed_point) {
  for (const char* text : {"{}", "[]", "null", R"({"a":1.5,"b":[1,2,{"c":"d"}]})", "\"\\u0001\""})
    BOOST_TEST(again(again(text)) == again(text));
}

BOOST_AUTO_TEST_CASE(two_answers_to_one_question_are_refused) {
  BOOST_TEST(again(R"({"a":1,"a":1})") == "refused: the key \"a\" stands twice");
  BOOST_TEST(again(R"({"x":[{"a":1,"b":2,"\u0061":3}]})") == "refused: the key \"a\" stands twice");
  BOOST_TEST(again(R"({"":1.5,"":2.5})") == "refused: the key \"\" stands twice");
  BOOST_TEST(again(R"([{"":0.5,"":1,"x":2.5}])") == "refused: the key \"\" stands twice");
  BOOST_TEST(again(R"({"a":{"a":1},"b":{"a":2}})") == R"({"a":{"a":1},"b":{"a":2}})");
}

BOOST_AUTO_TEST_CASE(what_is_not_json_is_refused) {
  for (const char* text : {"", " ", "{", "[1,]", "{\"a\":}", "nul", "1 2", "{} x", "'a'",
                           "\"\xff\"", "\"\xed\xa0\x80\"", "{\"a\" 1}", "// c\n1", "NaN"})
    BOOST_TEST(!parse_json(text).ok(), text);
  BOOST_TEST(parse_json("1 \n").ok());
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  BOOST_TEST(parse_json(nested(32)).ok());
  BOOST_TEST(!parse_json(nested(33)).ok());
}

BOOST_AUTO_TEST_CASE(members_by_type) {
  const json::object object =
      object_of(R"({"s":"text","i":7,"n":1.5,"b":true,"z":null,"big":9223372036854775808})");
  BOOST_TEST(need_string(object, "s").value() == "text");
  BOOST_TEST(need_integer(object, "i").value() == 7);
  BOOST_TEST(find_number(object, "n").value().value() == 1.5);
  BOOST_TEST(find_number(object, "i").value().value() == 7.0);
  BOOST_TEST(find_bool(object, "b").value().value());
  BOOST_TEST(!find_string(object, "absent").value().has_value());
  BOOST_TEST(!find_string(object, "z").value().has_value());
  BOOST_TEST(need_string(object, "z").error().message == "\"z\" must be a string and is missing");
  BOOST_TEST(find_integer(object, "s").error().message == "\"s\" must be an integer");
  BOOST_TEST(!find_integer(object, "n").ok());
  BOOST_TEST(!find_integer(object, "big").ok());
  BOOST_TEST(!find_string(object, "i").ok());
  BOOST_TEST(!find_bool(object, "i").ok());
  BOOST_TEST(!find_number(object, "s").ok());
}

// They would be written as "Infinity", which nobody can read again.
BOOST_AUTO_TEST_CASE(numbers_beyond_a_double_are_refused) {
  for (const char* text : {"1e309", "[-1e999]", "{\"a\":{\"b\":1e400}}", "2e308"})
    BOOST_TEST(!parse_json(text).ok(), text);
  for (const char* text : {"1.7e308", "-1e308", "1e-400"}) {
    const auto value = parse_json(text);
    BOOST_REQUIRE_MESSAGE(value.ok(), text);
    BOOST_TEST(parse_json(canonical(*value)).ok(), text);
  }
}

// A ledger line is refused when its text is not what its values are written as.
BOOST_AUTO_TEST_CASE(a_double_is_written_as_it_was_read) {
  SeededRandom random;
  for (int i = 0; i < 20'000; ++i) {
    double number = 0;
    random.fill(MutableByteSpan(reinterpret_cast<std::byte*>(&number), sizeof number));
    if (!std::isfinite(number)) continue;
    const std::string text = canonical(json::array{json::object{{"a", number}}, number});
    const auto again = parse_json(text);
    BOOST_REQUIRE_MESSAGE(again.ok(), text);
    BOOST_TEST(again->at(0).at("a").as_double() == number);
    BOOST_TEST(canonical(*again) == text);
  }
  const auto value =
      parse_json("[123456789012345678901234567890, 0.1, 1, {\"b\": 1.5, \"a\": -2.5}]");
  BOOST_REQUIRE(value.ok());
  BOOST_TEST(canonical(*value) == "[1.2345678901234568E29,1E-1,1,{\"a\":-2.5E0,\"b\":1.5E0}]");
}

BOOST_AUTO_TEST_SUITE_END()
