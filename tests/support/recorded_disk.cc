#include "tests/support/recorded_disk.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

namespace holdfast::testing {
namespace {

using Kind = DiskOperation::Kind;

// At most so many of the few: the issue's "up to three".
constexpr size_t kFew = 3;

void write_directory(const DiskImage& image, int node, const std::string& path) {
  std::filesystem::create_directories(path);
  for (const auto& [name, child] : image.directories.at(node)) {
    const std::string below = path + "/" + name;
    if (image.directories.contains(child))
      write_directory(image, child, below);
    else
      std::ofstream(below, std::ios::binary) << image.files.at(child);
  }
}

void tell_directory(const DiskImage& image, int node, const std::string& path, std::string& text) {
  for (const auto& [name, child] : image.directories.at(node)) {
    const std::string below = path + "/" + name;
    if (image.directories.contains(child)) {
      text += below + "/\n";
      tell_directory(image, child, below, text);
    } else {
      const std::string& bytes = image.files.at(child);
      text += below + " " + std::to_string(bytes.size()) + "\n" + bytes + "\n";
    }
  }
}

// Every subset of `all` of one to kFew members.
std::vector<std::vector<size_t>> few_of(const std::vector<size_t>& all) {
  std::vector<std::vector<size_t>> subsets;
  std::vector<std::vector<size_t>> grown = {{}};
  for (size_t size = 0; size < kFew; ++size) {
    std::vector<std::vector<size_t>> next;
    for (const auto& subset : grown)
      for (const size_t one : all)
        if (subset.empty() || one > subset.back()) {
          next.push_back(subset);
          next.back().push_back(one);
        }
    subsets.insert(subsets.end(), next.begin(), next.end());
    grown = std::move(next);
  }
  return subsets;
}

}  // namespace

std::string DiskOperation::text() const {
  const std::string what = "#" + std::to_string(node);
  const std::string place = " " + name + " in #" + std::to_string(parent);
  switch (kind) {
    case Kind::kCreate:
      return "create " + what + place;
    case Kind::kMakeDirectory:
      return "mkdir " + what + place;
    case Kind::kWrite:
      return "write " + what + " " + std::to_string(bytes.size()) + " at " + std::to_string(offset);
    case Kind::kTruncate:
      return "truncate " + what + " to " + std::to_string(offset);
    case Kind::kRename:
      return "rename " + what + place + " to " + to_name + " in #" + std::to_string(to_parent);
    case Kind::kUnlink:
      return "unlink " + what + place;
    case Kind::kSync:
      return "sync " + what;
  }
  return what;
}

void DiskImage::apply(const DiskOperation& operation) {
  switch (operation.kind) {
    case Kind::kCreate:
      files[operation.node];
      directories[operation.parent][operation.name] = operation.node;
      return;
    case Kind::kMakeDirectory:
      directories[operation.node];
      directories[operation.parent][operation.name] = operation.node;
      return;
    case Kind::kWrite: {
      std::string& bytes = files[operation.node];
      const auto offset = static_cast<size_t>(operation.offset);
      if (bytes.size() < offset + operation.bytes.size())
        bytes.resize(offset + operation.bytes.size());
      bytes.replace(offset, operation.bytes.size(), operation.bytes);
      return;
    }
    case Kind::kTruncate:
      files[operation.node].resize(static_cast<size_t>(operation.offset));
      return;
    case Kind::kRename: {
      auto& source = directories[operation.parent];
      const auto found = source.find(operation.name);
      if (found != source.end() && found->second == operation.node) source.erase(found);
      directories[operation.to_parent][operation.to_name] = operation.node;
      return;
    }
    case Kind::kUnlink: {
      auto& entries = directories[operation.parent];
      const auto found = entries.find(operation.name);
      if (found != entries.end() && found->second == operation.node) entries.erase(found);
      return;
    }
    case Kind::kSync:
      return;
  }
}

void DiskImage::build(const std::string& path) const {
  std::filesystem::create_directories(path);
  for (const auto& entry : std::filesystem::directory_iterator(path))
    std::filesystem::remove_all(entry.path());
  write_directory(*this, 0, path);
}

std::string DiskImage::text() const {
  std::string text;
  tell_directory(*this, 0, "", text);
  return text;
}

CrashStates::CrashStates(const Recording& recording) : recording_(recording) {
  for (size_t n = 0; n < recording.operations.size(); ++n)
    if (recording.operations[n].kind == Kind::kSync) cuts_.push_back(n);
  cuts_.push_back(recording.operations.size());
}

bool CrashStates::is_covered(size_t operation, size_t cut) const {
  const DiskOperation& asked = recording_.operations[operation];
  for (size_t n = operation + 1; n < cut; ++n) {
    const DiskOperation& later = recording_.operations[n];
    if (later.kind != Kind::kSync) continue;
    if (asked.is_of_data() ? later.node == asked.node
                           : later.node == asked.parent ||
                                 (asked.kind == Kind::kRename && later.node == asked.to_parent))
      return true;
  }
  return false;
}

std::vector<size_t> CrashStates::uncovered(size_t cut) const {
  std::vector<size_t> found;
  for (size_t n = 0; n < cut; ++n)
    if (recording_.operations[n].kind != Kind::kSync && !is_covered(n, cut)) found.push_back(n);
  return found;
}

std::vector<CrashState> CrashStates::states(size_t cut) const {
  const std::vector<size_t> open = uncovered(cut);
  CrashState none{cut, {}};
  CrashState all{cut, {}};
  for (const size_t n : open) all.fates[n] = Fate::kDone;
  std::vector<CrashState> states = {none, all};
  for (const std::vector<size_t>& few : few_of(open)) {
    CrashState only = none;
    CrashState all_but = all;
    for (const size_t n : few) {
      only.fates[n] = Fate::kDone;
      all_but.fates[n] = Fate::kLost;
    }
    states.push_back(only);
    states.push_back(all_but);
    for (const size_t n : few) {
      if (recording_.operations[n].kind != Kind::kWrite) continue;
      for (const Fate fate : {Fate::kTorn, Fate::kZeros}) {
        only.fates[n] = all_but.fates[n] = fate;
        states.push_back(only);
        states.push_back(all_but);
      }
      only.fates[n] = Fate::kDone;
      all_but.fates[n] = Fate::kLost;
    }
  }
  return states;
}

std::vector<CrashState> CrashStates::some_states(size_t cut, size_t most,
                                                 SeededRandom& random) const {
  constexpr size_t kManyOpen = 32;        // 5,488 subsets of three, and each write twice more
  constexpr size_t kStatesOfMany = 5000;  // in place of all
  const std::vector<size_t> open = uncovered(cut);
  if (open.size() <= kManyOpen) {
    std::vector<CrashState> all = states(cut);
    while (most > 0 && all.size() > std::max<size_t>(most, 2)) {
      all[2 + random.below(all.size() - 2)] = all.back();
      all.pop_back();
    }
    return all;
  }
  if (most == 0) most = kStatesOfMany;
  std::vector<CrashState> some = {{cut, {}}, {cut, {}}};
  for (const size_t n : open) some[1].fates[n] = Fate::kDone;
  while (some.size() < most) some.push_back(drawn(cut, open, random));
  return some;
}

CrashState CrashStates::drawn(size_t cut, const std::vector<size_t>& open,
                              SeededRandom& random) const {
  const auto is_write = [&](size_t n) { return recording_.operations[n].kind == Kind::kWrite; };
  CrashState state{cut, {}};
  if (random.below(4) == 0) {
    const size_t until = random.below(open.size());
    for (size_t i = 0; i < until; ++i) state.fates[open[i]] = Fate::kDone;
    if (is_write(open[until]) && random.below(2) == 0)
      state.fates[open[until]] = random.below(2) == 0 ? Fate::kTorn : Fate::kZeros;
    return state;
  }
  if (random.below(3) == 0) {
    for (const size_t n : open)
      if (random.below(2) == 0) state.fates[n] = Fate::kDone;
    return state;
  }
  const bool is_all_but = random.below(2) == 0;
  if (is_all_but)
    for (const size_t n : open) state.fates[n] = Fate::kDone;
  size_t last = 0;
  for (uint64_t few = 1 + random.below(3); few > 0; --few) {
    last = open[random.below(open.size())];
    state.fates[last] = is_all_but ? Fate::kLost : Fate::kDone;
  }
  if (is_write(last) && random.below(2) == 0)
    state.fates[last] = random.below(2) == 0 ? Fate::kTorn : Fate::kZeros;
  return state;
}

DiskImage CrashStates::image(const CrashState& state) const {
  DiskImage image = recording_.before;
  // The inodes are there before any name of theirs.
  for (size_t n = 0; n < state.cut; ++n) {
    const DiskOperation& asked = recording_.operations[n];
    if (asked.kind == Kind::kCreate) image.files[asked.node];
    if (asked.kind == Kind::kMakeDirectory) image.directories[asked.node];
  }
  for (size_t n = 0; n < state.cut; ++n) {
    DiskOperation asked = recording_.operations[n];
    const auto fate = state.fates.find(n);
    if (fate == state.fates.end() ? !is_covered(n, state.cut) : fate->second == Fate::kLost)
      continue;
    if (fate != state.fates.end() && fate->second == Fate::kTorn)
      asked.bytes.resize((asked.bytes.size() + 1) / 2);
    if (fate != state.fates.end() && fate->second == Fate::kZeros)
      std::fill(asked.bytes.begin(), asked.bytes.end(), '\0');
    image.apply(asked);
  }
  return image;
}

std::string CrashStates::text(const CrashState& state) const {
  constexpr const char* kFates[] = {"lost", "done", "torn", "zeros"};
  std::string text = "cut before operation " + std::to_string(state.cut);
  if (state.cut < recording_.operations.size())
    text += " (" + recording_.operations[state.cut].text() + ")";
  for (const size_t n : uncovered(state.cut)) {
    const auto fate = state.fates.find(n);
    const auto which = fate == state.fates.end() ? Fate::kLost : fate->second;
    text += "\n  " + std::to_string(n) + " " + recording_.operations[n].text() + ": " +
            kFates[static_cast<size_t>(which)];
  }
  return text;
}

}  // namespace holdfast::testing
