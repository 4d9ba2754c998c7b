// P1: every sequence of up to three durable steps on names and files, on a disk that keeps of the
// unsynced what it likes. What was done stays; what is being done has happened or has not.
//
// HOLDFAST_STATES=0: all sequences; otherwise those of up to two steps, and some of three by seed.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <iostream>

#include "io/text_file.h"
#include "io/tree.h"
#include "tests/crash/states_of.h"
#include "tests/support/temporary_directory.h"

namespace holdfast::testing {
namespace {

using Tree = std::map<std::string, std::string>;  // path → bytes; names of our own not among them

struct Step {
  const char* name;
  std::function<Status(Io&, int root, const std::string& text)> act;
  std::function<void(Tree&, const std::string& text)> applied;
  bool is_atomic = true;  // else its files go one by one
};

Step publishing(const char* name, const std::string& path, IfExists if_exists) {
  return {name,
          [=](Io& io, int root, const std::string& text) -> Status {
            PublishOptions options;
            options.if_exists = if_exists;
            HOLDFAST_ASSIGN(made, make_directories_beneath(io, root, split_path(path).parent));
            return publish_text(io, root, path, text, options);
          },
          [=](Tree& tree, const std::string& text) { tree[path] = text; }};
}

Step renaming(const char* name, const std::string& from, const std::string& to) {
  return {name,
          [=](Io& io, int root, const std::string&) {
            return rename_durably(io, root, from, to, IfExists::kReplace);
          },
          [=](Tree& tree, const std::string&) {
            tree[to] = tree.at(from);
            tree.erase(from);
          }};
}

Step unlinking(const char* name, const std::string& path) {
  return {name,
          [=](Io& io, int root, const std::string&) { return unlink_durably(io, root, path); },
          [=](Tree& tree, const std::string&) { tree.erase(path); }};
}

std::vector<Step> steps() {
  return {
      publishing("publish a", "a", IfExists::kRefuse),
      publishing("replace a", "a", IfExists::kReplace),
      publishing("replace d/a", "d/a", IfExists::kReplace),
      renaming("rename a to b", "a", "b"),
      renaming("rename a to d/b", "a", "d/b"),
      renaming("rename d/a to a", "d/a", "a"),
      unlinking("unlink a", "a"),
      unlinking("unlink d/a", "d/a"),
      {"remove d", [](Io& io, int root, const std::string&) { return remove_tree(io, root, "d"); },
       [](Tree& tree, const std::string&) {
         std::erase_if(tree, [](const auto& file) { return file.first.starts_with("d/"); });
       },
       false}};
}

void walk(const DiskImage& image, int directory, const std::string& at, Tree& tree) {
  const auto entries = image.directories.find(directory);
  if (entries == image.directories.end()) return;
  for (const auto& [name, node] : entries->second) {
    if (is_temporary_name(name)) continue;
    if (const auto file = image.files.find(node); file != image.files.end())
      tree[at + name] = file->second;
    else
      walk(image, node, at + name + "/", tree);
  }
}

bool is_part_of(const Tree& part, const Tree& whole) {
  return std::all_of(part.begin(), part.end(), [&](const auto& file) {
    const auto found = whole.find(file.first);
    return found != whole.end() && found->second == file.second;
  });
}

// What the steps do, recorded; and what the tree is after each, with the one before them first.
struct Told {
  Recording recording;
  std::vector<Tree> trees;
  std::string text;
};

Told run(const std::vector<const Step*>& sequence) {
  const TemporaryDirectory directory;
  const std::string root_path = directory / "live";
  std::filesystem::create_directories(root_path);
  const Fd root = open_root(root_path).value();
  IoOptions options;
  options.force_fallback = true;  // a ring's writes are not seen
  const auto io = Io::open(options).value();
  Told told;
  told.trees.push_back({{"a", "before"}, {"d/a", "before, too"}});
  BOOST_REQUIRE(make_directories_beneath(*io, root.get(), "d").ok());
  for (const auto& [path, text] : told.trees.front())
    BOOST_REQUIRE(publish_text(*io, root.get(), path, text).ok());
  told.recording = record(root_path, {}, [&] {
    for (const Step* step : sequence) {
      const int number = static_cast<int>(told.trees.size());
      const std::string text = std::string(5000, static_cast<char>('0' + number));
      Tree tree = told.trees.back();
      const Status done = step->act(*io, root.get(), text);
      if (done.ok()) step->applied(tree, text);
      // Refused: there is nothing of the name, or something already.
      BOOST_TEST((done.ok() || done.error().code == Code::kNotFound ||
                  done.error().code == Code::kConflict));
      told.trees.push_back(std::move(tree));
      told.text += (told.text.empty() ? "" : ", ") + std::string(step->name);
      mark(number);
    }
  });
  return told;
}

size_t check(const std::vector<const Step*>& sequence, SeededRandom& random) {
  const Told told = run(sequence);
  const CrashStates crashes(told.recording);
  size_t states = 0;
  for (const size_t cut : crashes.cuts()) {
    size_t done = 0;
    for (const auto& [number, operations] : told.recording.marks)
      if (operations <= cut) done = std::max(done, static_cast<size_t>(number));
    const Tree& before = told.trees[done];
    const bool is_last = done == sequence.size();
    const Tree& after = told.trees[is_last ? done : done + 1];
    for (const CrashState& state : crashes.some_states(cut, 0, random)) {
      ++states;
      Tree tree;
      walk(crashes.image(state), 0, "", tree);
      const bool is_between = !is_last && !sequence[done]->is_atomic && is_part_of(after, tree) &&
                              is_part_of(tree, before);
      if (tree == before || tree == after || is_between) continue;
      BOOST_ERROR(told.text + ": after " + std::to_string(done) + " of them, " +
                  crashes.text(state));
    }
  }
  return states;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(P1_of_what_a_crash_leaves)

BOOST_AUTO_TEST_CASE(of_a_sequence_of_steps_each_is_done_or_not) {
  constexpr size_t kDrawn = 60;
  const std::vector<Step> all = steps();
  std::vector<std::vector<const Step*>> sequences;
  std::vector<std::vector<const Step*>> of_three;
  for (const Step& one : all) {
    sequences.push_back({&one});
    for (const Step& two : all) {
      sequences.push_back({&one, &two});
      for (const Step& three : all) of_three.push_back({&one, &two, &three});
    }
  }
  SeededRandom random;
  const bool every_one = states_a_cut(1) == 0;
  for (size_t n = 0; n < (every_one ? of_three.size() : kDrawn); ++n)
    sequences.push_back(every_one ? of_three[n] : of_three[random.below(of_three.size())]);
  size_t states = 0;
  size_t tried = 0;
  for (const auto& sequence : sequences) {
    if (time_is_up()) break;
    states += check(sequence, random);
    ++tried;
  }
  BOOST_TEST(states > 5 * tried);
  std::cout << "states of " << tried << " sequences of steps: " << states << "\n";
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::testing
