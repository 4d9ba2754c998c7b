// The format as it was fixed: a chain that was committed then is read today, and
// today's code writes the same bytes. docs/ledger.md describes it; the commands
// of its last section are run as they stand there.
#include <cstdlib>

#include "tests/ledger/rig.h"

using namespace holdfast;
namespace fs = std::filesystem;

namespace {

const std::string kGolden = "tests/ledger/golden/decisions";
constexpr std::string_view kGoldenHead =
    "b779b27139f270c5506d38e5e3edde76f3fc3fa5e3bba4d560059447e4cf9a69";

LineDraft decision(const std::string& kind, const std::string& on, json::object details,
                   Weight weight) {
  return LineDraft{kind, "key:k7xq2fzd6m4wvtnb3hcsoj5yea", on, std::move(details), weight};
}

// Three days: an ingest and a hold; a release that failed and was voided; its second try.
void write_golden(LedgerRig& rig) {
  const std::string recording = "a2c4e6g7i3k5m7o2q4s6u7w3y5";
  rig.open();
  must(rig.ledger->stage(decision("recording.ingested", recording,
                                  {{"bytes", 480000},
                                   {"files", json::array{sha256("inbound.ulaw").hex()}},
                                   {"medium", "mmmmmmmmmmmmmmmmmmmmmmmmm4"},
                                   {"no", 1},
                                   {"part", 1},
                                   {"workspace", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"}},
                                  Weight::kProtecting)));
  must(rig.ledger->stage(decision("hold.placed", recording,
                                  {{"hold", "hhhhhhhhhhhhhhhhhhhhhhhhha"},
                                   {"matter", "nnnnnnnnnnnnnnnnnnnnnnnnnq"},
                                   {"note", sha256("a note").hex()},
                                   {"workspace_no", 1}},
                                  Weight::kProtecting)));
  must(rig.ledger->commit());
  rig.clock.advance(days(1));
  must(rig.ledger->stage(
      LineDraft{"config.applied", "system", {}, {{"sha256", sha256("").hex()}}, Weight::kNeutral}));
  must(rig.ledger->commit());
  const LineDraft release = decision("hold.released", recording,
                                     {{"hold", "hhhhhhhhhhhhhhhhhhhhhhhhha"}}, Weight::kWeakening);
  FaultAt fault(1);
  rig.faults.aim(&fault);
  must(rig.ledger->stage(release));
  BOOST_REQUIRE(!rig.ledger->commit().ok());
  rig.faults.aim(nullptr);
  rig.clock.advance(days(1));
  must(rig.ledger->stage(release));
  must(rig.ledger->commit());
}

std::vector<std::string> lines_of(Io& io, const std::string& directory) {
  const Fd fd = must(open_root(directory));
  std::vector<std::string> lines;
  must(read_chain(io, fd.get(), ReadOptions(), [&](const Line& line) -> Result<bool> {
    lines.push_back(line.text);
    return true;
  }));
  return lines;
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_golden_chain_is_read_and_holds) {
  const auto io = Io::open().value();
  const Fd fd = must(open_root(kGolden));
  std::vector<std::string> kinds;
  const ChainReport report =
      must(verify_chain(*io, fd.get(), [&](const Line& line) -> Result<bool> {
        kinds.push_back(line.kind);
        return true;
      }));
  BOOST_TEST(!report.broken);
  BOOST_TEST(report.head.hex() == kGoldenHead);
  BOOST_TEST(report.first_n == 1);
  BOOST_TEST(report.last_n == 6);
  BOOST_TEST(report.voids == 1);
  BOOST_TEST(report.segments == 4);
  BOOST_TEST(kinds == (std::vector<std::string>{"recording.ingested", "hold.placed",
                                                "config.applied", "void", "hold.released"}));
}

BOOST_AUTO_TEST_CASE(the_same_decisions_give_the_golden_bytes_again) {
  LedgerRig rig;
  write_golden(rig);
  const std::string written = rig.directory / "ledger/decisions";
  BOOST_TEST(names_in(written) == names_in(kGolden));
  BOOST_TEST(lines_of(*rig.io, written) == lines_of(*rig.io, kGolden));
  const std::string active = "/" + segment_name(6, false);
  BOOST_TEST(contents_of(written + active) == contents_of(kGolden + active));
}

BOOST_AUTO_TEST_CASE(the_page_s_own_commands_check_the_chain) {
  const std::string page = contents_of("docs/ledger.md");
  const size_t begin = page.find("```sh\n") + 6;
  const std::string commands = page.substr(begin, page.find("```", begin) - begin);
  LedgerRig rig;
  fs::create_directory(rig.directory / "copy");
  fs::copy(kGolden, rig.directory / "copy/decisions");
  write_file(rig.directory / "check.sh", commands);
  const std::string run = "cd " + (rig.directory / "copy") + " && sh ../check.sh > ../out";
  BOOST_TEST(std::system(run.c_str()) == 0);
  BOOST_TEST(contents_of(rig.directory / "out") == "the chain holds\n");
  // And they see a changed byte.
  const std::string active = rig.directory / ("copy/decisions/" + segment_name(6, false));
  std::string text = contents_of(active);
  text.replace(text.find("\"p\":\"") + 5, 2, "zz");
  write_file(active, text);
  BOOST_TEST(std::system(run.c_str()) != 0);
}
