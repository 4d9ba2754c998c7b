// What names and metadata say about a file's samples.
#include "audio/sample_form.h"

#include <boost/test/unit_test.hpp>

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(sample_form)

BOOST_AUTO_TEST_CASE(words_go_both_ways) {
  for (SampleForm form : {SampleForm::kPcm16, SampleForm::kPcm8, SampleForm::kPcm24,
                          SampleForm::kMulaw, SampleForm::kAlaw})
    BOOST_TEST((sample_form_from(word(form)).value() == form));
  BOOST_TEST(!sample_form_from("none").ok());
  BOOST_TEST(!sample_form_from("").ok());
}

BOOST_AUTO_TEST_CASE(claims_are_read_from_metadata) {
  AudioClaims claims = read_audio_claims(
      R"({"inbound_format":"MULAW","inbound_sample_rate":8000,"outbound_format":"pcm16",)"
      R"("outbound_sample_rate":16000,"duration_seconds":12.5,"inbound_size_bytes":100000})");
  BOOST_TEST(claims.inbound.format == "mulaw");
  BOOST_TEST(claims.inbound.sample_rate_hz == 8000);
  BOOST_TEST(claims.inbound.bytes.value() == 100000);
  BOOST_TEST(claims.outbound.sample_rate_hz == 16000);
  BOOST_TEST(!claims.outbound.bytes.has_value());
  BOOST_TEST(claims.duration_seconds.value() == 12.5);
  BOOST_TEST((claims.of("inbound.ulaw") == &claims.inbound));
  BOOST_TEST((claims.of("outbound.pcm") == &claims.outbound));
  BOOST_TEST((claims.of("recording.2.wav") == nullptr));
}

BOOST_AUTO_TEST_CASE(broken_metadata_claims_nothing) {
  for (const char* text : {"", "[]", "{\"inbound_format\":7", "{\"duration_seconds\":-1}",
                           "{\"inbound_format\":7,\"inbound_sample_rate\":99999999}"}) {
    AudioClaims claims = read_audio_claims(text);
    BOOST_TEST(claims.inbound.format.empty());
    BOOST_TEST(claims.inbound.sample_rate_hz == 0);
    BOOST_TEST(!claims.duration_seconds.has_value());
  }
}

BOOST_AUTO_TEST_CASE(an_extension_that_names_a_law_decides) {
  ChannelClaim pcm{"pcm16", 16000, {}};
  ChannelClaim mulaw{"mulaw", 8000, {}};
  ChannelClaim opus{"opus", 48000, {}};
  BOOST_TEST((raw_sample_form("inbound.ulaw", &pcm) == SampleForm::kMulaw));
  BOOST_TEST((raw_sample_form("inbound.ALAW", nullptr) == SampleForm::kAlaw));
  BOOST_TEST((raw_sample_form("inbound.raw", &mulaw) == SampleForm::kMulaw));
  BOOST_TEST((raw_sample_form("inbound.pcm", nullptr) == SampleForm::kPcm16));
  BOOST_TEST((raw_sample_form("inbound.raw", &opus) == SampleForm::kNone));
  BOOST_TEST(raw_sample_rate_hz(SampleForm::kMulaw, nullptr) == 8000);
  BOOST_TEST(raw_sample_rate_hz(SampleForm::kPcm16, nullptr) == 16000);
  BOOST_TEST(raw_sample_rate_hz(SampleForm::kPcm16, &opus) == 48000);
}

BOOST_AUTO_TEST_CASE(names_promise_kinds) {
  BOOST_TEST((file_kind("inbound.ulaw") == FileKind::kRawAudio));
  BOOST_TEST((file_kind("recording.2.WAV") == FileKind::kWav));
  BOOST_TEST((file_kind("recording.mp3") == FileKind::kCompressedAudio));
  BOOST_TEST((file_kind("transcript.json") == FileKind::kText));
  BOOST_TEST((file_kind("transcript.json.zst") == FileKind::kCompressed));
  BOOST_TEST((file_kind("noextension") == FileKind::kOther));
}

BOOST_AUTO_TEST_SUITE_END()
