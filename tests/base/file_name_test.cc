// What a file's name says.
#include "base/file_name.h"

#include <boost/test/unit_test.hpp>

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(file_names)

BOOST_AUTO_TEST_CASE(a_number_between_stem_and_ending_is_the_segment) {
  for (const char* name : {"inbound.ulaw", "recording.wav", "transcript.json", "note", "a.b.c",
                           "recording.02.wav", "recording.0.wav", "recording.2", "recording.-2.wav",
                           "recording.10000.wav", "recording.2x.wav", ""})
    BOOST_TEST(segment_of(name) == 1, name);
  BOOST_TEST(segment_of("recording.1.wav") == 1);
  BOOST_TEST(segment_of("recording.2.wav") == 2);
  BOOST_TEST(segment_of("inbound.17.ulaw") == 17);
  BOOST_TEST(segment_of("transcript.9999.vtt") == 9999);
}

BOOST_AUTO_TEST_CASE(metadata_of_a_later_part_has_a_number) {
  BOOST_TEST(is_later_metadata("metadata.2.json"));
  BOOST_TEST(!is_later_metadata("metadata.json"));
  BOOST_TEST(!is_later_metadata("metadata.x.json"));
  BOOST_TEST(!is_later_metadata("metadata.2.txt"));
  BOOST_TEST(!is_later_metadata("my.metadata.2.json"));
}

BOOST_AUTO_TEST_CASE(a_correction_takes_the_next_free_number) {
  const auto none = [](std::string_view) { return false; };
  BOOST_TEST(next_free_name("metadata.json", none) == "metadata.2.json");
  BOOST_TEST(next_free_name("recording.4.wav", none) == "recording.2.wav");
  BOOST_TEST(next_free_name("notes", none) == "notes.2");
  const auto two = [](std::string_view name) { return name == "inbound.2.ulaw"; };
  BOOST_TEST(next_free_name("inbound.ulaw", two) == "inbound.3.ulaw");
}

BOOST_AUTO_TEST_SUITE_END()
