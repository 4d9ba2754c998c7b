// holdfast-sample-calls: makes calls of real speech, as a call platform's recorder would leave
// them in the spool.
//
//   <out>/<workspace>/<call_sid>/inbound.ulaw    8 kHz mu-law: the caller, over comfort noise
//                                outbound.pcm    16 kHz PCM16 little-endian: the agent, exact
//                                                digital silence while the caller talks
//                                metadata.json   renamed in last; docs: contracts, section 1
//
// The caller's voice comes from Debian's asterisk-core-sounds-en-wav, the agent's is spoken by
// flite. Both channels start together and have the same length. The same options give the same
// bytes. One line per call goes to standard output: call_sid, seconds, bytes.
#include <fmt/format.h>
#include <getopt.h>
#include <sndfile.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/time_text.h"
#include "base/types.h"

extern char** environ;

namespace holdfast {
namespace {

constexpr int kCallerRate = 8000;
constexpr int kAgentRate = 16'000;
constexpr int kFrameMs = 20;  // calls last a whole number of telephone frames
constexpr const char* kSounds = "/usr/share/asterisk/sounds";
constexpr const char* kVoice = "slt";  // a 16 kHz voice

constexpr std::array<const char*, 20> kSentences = {
    "Thank you for calling. This call is recorded. How may I help you today?",
    "Of course. May I have your account number, please?",
    "One moment, please. I am looking that up for you.",
    "I see. When did you first notice the problem?",
    "Your last payment arrived on the third of this month. The balance is forty two dollars.",
    "I can offer you an appointment on Tuesday at ten o'clock, or on Thursday afternoon.",
    "Could you please repeat that?",
    "I have changed your address. You will receive a confirmation by mail within two days.",
    "I understand, and I am sorry about that. Let me see what I can do.",
    "Please restart the device, and tell me which lights are blinking.",
    "That is correct.",
    "No, there is no charge for this.",
    "The order left our warehouse this morning, and it should be with you tomorrow before noon.",
    "Would you like me to cancel the subscription, or to pause it for three months?",
    "I will transfer you to a colleague who knows more about this. Please stay on the line.",
    "Is there anything else that I can do for you?",
    "Let me read that back to you: seven, four, one, nine, zero, two.",
    "For your security, please tell me the name of your first school.",
    "The technician will call you half an hour before he arrives.",
    "Thank you for your patience. Have a nice day. Good bye.",
};

struct Options {
  int count = 12;
  int seconds_min = 20;
  int seconds_max = 300;
  uint64_t seed = 1;
  int apart_seconds = 60;  // between the ends of neighbouring calls
  std::string workspace = "3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e";
  UnixMillis end_at;  // when the last call ended
  std::filesystem::path out;
};

using Samples = std::vector<int16_t>;

// A draw that is the same with every standard library.
class Dice {
 public:
  explicit Dice(uint64_t seed) : generator_(seed) {}
  int between(int least, int most) {
    return least + static_cast<int>(generator_() % static_cast<uint64_t>(most - least + 1));
  }
  std::string hex(size_t digits) {
    std::string text;
    while (text.size() < digits) text += fmt::format("{:x}", between(0, 15));
    return text;
  }
  std::string uuid() {
    return hex(8) + "-" + hex(4) + "-4" + hex(3) + "-8" + hex(3) + "-" + hex(12);
  }

 private:
  std::mt19937_64 generator_;
};

struct CloseSound {
  void operator()(SNDFILE* sound) const { sf_close(sound); }
};
using Sound = std::unique_ptr<SNDFILE, CloseSound>;

// All samples of a mono file of `rate`.
Result<Samples> read_sound(const std::string& path, int rate) {
  SF_INFO info{};
  const Sound sound(sf_open(path.c_str(), SFM_READ, &info));
  if (!sound) return Error{Code::kIo, "read " + path + ": " + sf_strerror(nullptr)};
  if (info.channels != 1 || info.samplerate != rate)
    return Error{Code::kInvalid, fmt::format("read {}: expected mono at {} Hz, got {} channels at "
                                             "{} Hz",
                                             path, rate, info.channels, info.samplerate)};
  Samples samples(static_cast<size_t>(info.frames));
  if (sf_readf_short(sound.get(), samples.data(), info.frames) != info.frames)
    return Error{Code::kIo, "read " + path + ": ends early"};
  return samples;
}

// Writes headerless samples in `format` (an SF_FORMAT_ word); returns the file's size.
Result<int64_t> write_raw(const std::filesystem::path& path, int format, int rate,
                          const Samples& samples) {
  SF_INFO info{};
  info.channels = 1;
  info.samplerate = rate;
  info.format = SF_FORMAT_RAW | format;
  Sound sound(sf_open(path.c_str(), SFM_WRITE, &info));
  if (!sound) return Error{Code::kIo, "write " + path.string() + ": " + sf_strerror(nullptr)};
  const auto frames = static_cast<sf_count_t>(samples.size());
  if (sf_writef_short(sound.get(), samples.data(), frames) != frames)
    return Error{Code::kIo, "write " + path.string() + ": " + sf_strerror(sound.get())};
  if (sf_close(sound.release()) != 0)
    return Error{Code::kIo, "write " + path.string() + ": not all of it arrived"};
  return static_cast<int64_t>(std::filesystem::file_size(path));
}

// The caller: announcements of the package in the order of their names, read when first used.
class CallerVoice {
 public:
  static Result<CallerVoice> open() {
    CallerVoice voice;
    std::error_code error;
    std::filesystem::recursive_directory_iterator entry(kSounds, error);
    for (; !error && entry != std::filesystem::end(entry); entry.increment(error)) {
      const uintmax_t size = entry->file_size(error);
      // Shorter ones are single digits and beeps.
      if (!error && entry->path().extension() == ".wav" && size > 24'000)
        voice.paths_.push_back(entry->path().string());
      error.clear();  // a directory has no size
    }
    if (error || voice.paths_.empty())
      return Error{Code::kNotFound, std::string("find speech below ") + kSounds +
                                        ": install asterisk-core-sounds-en-wav"};
    std::sort(voice.paths_.begin(), voice.paths_.end());
    return voice;
  }

  Result<const Samples*> say(Dice& dice) {
    const std::string& path =
        paths_[static_cast<size_t>(dice.between(0, static_cast<int>(paths_.size()) - 1))];
    auto known = spoken_.find(path);
    if (known == spoken_.end()) {
      HOLDFAST_ASSIGN(samples, read_sound(path, kCallerRate));
      known = spoken_.emplace(path, std::move(samples)).first;
    }
    return &known->second;
  }

 private:
  std::vector<std::string> paths_;
  std::map<std::string, Samples> spoken_;
};

// The agent: flite speaks each sentence once.
class AgentVoice {
 public:
  Result<const Samples*> say(size_t sentence) {
    if (spoken_.count(sentence) == 0) {
      HOLDFAST_ASSIGN(samples, speak(kSentences[sentence]));
      spoken_[sentence] = std::move(samples);
    }
    return &spoken_[sentence];
  }

 private:
  static Result<Samples> speak(const char* text) {
    std::string wav = (std::filesystem::temp_directory_path() / "holdfast-flite-XXXXXX").string();
    const int fd = mkstemp(wav.data());
    if (fd < 0) return system_error(errno, "make a temporary file for flite");
    close(fd);
    Result<Samples> samples = run_flite(text, wav);
    unlink(wav.c_str());
    return samples;
  }

  static Result<Samples> run_flite(const char* text, const std::string& wav) {
    const std::array<const char*, 8> arguments = {"flite", "-voice", kVoice,      "-t",
                                                  text,    "-o",     wav.c_str(), nullptr};
    pid_t pid = 0;
    const int refused = posix_spawnp(&pid, "flite", nullptr, nullptr,
                                     const_cast<char* const*>(arguments.data()), environ);
    if (refused != 0) return system_error(refused, "start flite");
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
      if (errno != EINTR) return system_error(errno, "wait for flite");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
      return Error{Code::kIo, "flite did not speak; install the package flite"};
    return read_sound(wav, kAgentRate);
  }

  std::map<size_t, Samples> spoken_;
};

struct Call {
  Samples caller;  // kCallerRate
  Samples agent;   // kAgentRate
  int64_t duration_ms = 0;
};

// Turns: one speaks, both pause, the other speaks. Nobody interrupts.
Result<Call> converse(Dice& dice, int64_t duration_ms, bool agent_first, CallerVoice& caller_voice,
                      AgentVoice& agent_voice) {
  Call call;
  call.duration_ms = duration_ms;
  call.caller.resize(static_cast<size_t>(duration_ms * kCallerRate / 1000));
  call.agent.resize(static_cast<size_t>(duration_ms * kAgentRate / 1000));
  for (int16_t& sample : call.caller) sample = static_cast<int16_t>(dice.between(-24, 24));

  bool agents_turn = agent_first;
  size_t sentence = 0;
  for (int64_t at_ms = dice.between(300, 900); at_ms < duration_ms - 500;) {
    const int rate = agents_turn ? kAgentRate : kCallerRate;
    Samples& channel = agents_turn ? call.agent : call.caller;
    HOLDFAST_ASSIGN(said, agents_turn ? agent_voice.say(sentence) : caller_voice.say(dice));
    const auto start = static_cast<size_t>(at_ms * rate / 1000);
    const size_t length = std::min(said->size(), channel.size() - start);
    for (size_t i = 0; i < length; ++i)
      channel[start + i] =
          static_cast<int16_t>(std::clamp(channel[start + i] + (*said)[i], -32'768, 32'767));
    if (agents_turn)  // the greeting opens; what follows comes in any order
      sentence = static_cast<size_t>(dice.between(1, static_cast<int>(kSentences.size()) - 1));
    at_ms += static_cast<int64_t>(length) * 1000 / rate + dice.between(250, 1200);
    agents_turn = !agents_turn;
  }
  return call;
}

std::string telephone_number(Dice& dice) {
  return fmt::format("+1{}555{:04}", dice.between(201, 989), dice.between(100, 199));
}

struct Party {
  std::string call_sid;
  bool inbound = true;
  UnixMillis start;
};

json::object metadata_of(const Options& options, const Party& party, const Call& call, Dice& dice,
                         int64_t inbound_bytes, int64_t outbound_bytes) {
  static constexpr std::array<const char*, 5> kTopics = {"billing", "support", "delivery",
                                                         "appointment", "cancellation"};
  json::object metadata;
  metadata["call_sid"] = party.call_sid;
  metadata["workspace_id"] = options.workspace;
  metadata["service_id"] =
      Dice(options.seed * 4 + static_cast<uint64_t>(dice.between(0, 2))).uuid();
  metadata["direction"] = party.inbound ? "inbound" : "outbound";
  metadata["duration_seconds"] = static_cast<double>(call.duration_ms) / 1000;
  metadata["inbound_format"] = "mulaw";
  metadata["inbound_sample_rate"] = kCallerRate;
  metadata["outbound_format"] = "pcm16";
  metadata["outbound_sample_rate"] = kAgentRate;
  metadata["tts_provider"] = "flite";
  metadata["call_start_iso"] = to_iso(party.start);
  metadata["call_end_iso"] = to_iso(party.start + Millis(call.duration_ms));
  metadata["inbound_size_bytes"] = inbound_bytes;
  metadata["outbound_size_bytes"] = outbound_bytes;
  metadata["media_start_epoch_ms"] = party.start.count;
  metadata["from"] = telephone_number(dice);
  metadata["to"] = telephone_number(dice);
  metadata["tags"] =
      json::array{"sample", kTopics[static_cast<size_t>(dice.between(0, kTopics.size() - 1))]};
  metadata["consent"] = dice.between(0, 9) > 0;
  return metadata;
}

// A recorder's last act: metadata.json appears complete, and after everything else.
Status publish_metadata(const std::filesystem::path& directory, const json::object& metadata) {
  const std::filesystem::path draft = directory / ".metadata.json.part";
  std::ofstream file(draft, std::ios::binary);
  file << canonical(metadata) << "\n";
  file.close();
  if (!file) return system_error(errno, "write " + draft.string());
  std::error_code error;
  std::filesystem::rename(draft, directory / "metadata.json", error);
  if (error) return system_error(error.value(), "rename " + draft.string());
  return {};
}

Status make_calls(const Options& options) {
  HOLDFAST_ASSIGN(caller_voice, CallerVoice::open());
  AgentVoice agent_voice;
  for (int i = 0; i < options.count; ++i) {
    Dice dice(options.seed * 1'000'003 + static_cast<uint64_t>(i));
    Party party;
    party.call_sid = "CA" + dice.hex(32);
    party.inbound = dice.between(0, 3) > 0;
    const int64_t duration_ms =
        int64_t{kFrameMs} *
        dice.between(options.seconds_min * 1000 / kFrameMs, options.seconds_max * 1000 / kFrameMs);
    const UnixMillis end =
        options.end_at - seconds(int64_t{options.apart_seconds} * (options.count - 1 - i));
    party.start = end - Millis(duration_ms);
    HOLDFAST_ASSIGN(call, converse(dice, duration_ms, party.inbound, caller_voice, agent_voice));

    const std::filesystem::path directory = options.out / options.workspace / party.call_sid;
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) return system_error(error.value(), "make " + directory.string());
    HOLDFAST_ASSIGN(
        inbound, write_raw(directory / "inbound.ulaw", SF_FORMAT_ULAW, kCallerRate, call.caller));
    HOLDFAST_ASSIGN(outbound,
                    write_raw(directory / "outbound.pcm", SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE,
                              kAgentRate, call.agent));
    HOLDFAST_TRY(
        publish_metadata(directory, metadata_of(options, party, call, dice, inbound, outbound)));
    fmt::print("{} {:.2f} {}\n", party.call_sid, static_cast<double>(duration_ms) / 1000,
               inbound + outbound);
  }
  return {};
}

constexpr const char* kUsage =
    "usage: holdfast-sample-calls --out DIRECTORY [options]\n"
    "  --count N         how many calls (12)\n"
    "  --seconds-min N   shortest call (20)\n"
    "  --seconds-max N   longest call (300)\n"
    "  --seed N          the same seed gives the same calls (1)\n"
    "  --workspace UUID  whose calls (3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e)\n"
    "  --end-at TIME     when the last call ended, ISO 8601, UTC (now)\n"
    "  --apart N         seconds between the ends of two calls (60)\n";

int wrong_usage(const std::string& what) {
  std::fprintf(stderr, "holdfast-sample-calls: %s\n%s", what.c_str(), kUsage);
  return 2;
}

Result<int> number_option(const char* name, const char* text, int least, int most) {
  int value = 0;
  const char* const end = text + std::string_view(text).size();
  const auto [rest, error] = std::from_chars(text, end, value);
  if (error != std::errc() || rest != end || value < least || value > most)
    return Error{Code::kInvalid, fmt::format("--{}: expected a whole number from {} to {}, got {}",
                                             name, least, most, text)};
  return value;
}

Status take_option(int letter, const char* text, Options& options) {
  const auto number = [&](const char* name, int least, int most, int& out) -> Status {
    HOLDFAST_ASSIGN(value, number_option(name, text, least, most));
    out = value;
    return {};
  };
  switch (letter) {
    case 'n':
      return number("count", 1, 1'000'000, options.count);
    case 'a':
      return number("seconds-min", 1, 86'400, options.seconds_min);
    case 'b':
      return number("seconds-max", 1, 86'400, options.seconds_max);
    case 'p':
      return number("apart", 0, 86'400, options.apart_seconds);
    case 's': {
      HOLDFAST_ASSIGN(seed, number_option("seed", text, 0, 2'000'000'000));
      options.seed = static_cast<uint64_t>(seed);
      return {};
    }
    case 'w': {
      HOLDFAST_ASSIGN(workspace, WorkspaceId::from_text(text));
      options.workspace = workspace.text();
      return {};
    }
    case 'e': {
      HOLDFAST_ASSIGN(end_at, from_iso(text));
      options.end_at = end_at;
      return {};
    }
    case 'o':
      options.out = text;
      return {};
    default:
      return Error{Code::kInvalid, "unknown option"};
  }
}

int run(int argc, char** argv) {
  static const option kOptions[] = {{"count", required_argument, nullptr, 'n'},
                                    {"seconds-min", required_argument, nullptr, 'a'},
                                    {"seconds-max", required_argument, nullptr, 'b'},
                                    {"seed", required_argument, nullptr, 's'},
                                    {"workspace", required_argument, nullptr, 'w'},
                                    {"end-at", required_argument, nullptr, 'e'},
                                    {"apart", required_argument, nullptr, 'p'},
                                    {"out", required_argument, nullptr, 'o'},
                                    {"help", no_argument, nullptr, 'h'},
                                    {nullptr, 0, nullptr, 0}};
  Options options;
  options.end_at = SystemClock().now();
  for (int letter; (letter = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    if (letter == 'h') return std::fputs(kUsage, stdout) < 0 ? 1 : 0;
    if (letter == '?') return wrong_usage("unknown option");
    if (const Status taken = take_option(letter, optarg, options); !taken.ok())
      return wrong_usage(taken.error().message);
  }
  if (optind != argc) return wrong_usage(std::string("unexpected ") + argv[optind]);
  if (options.out.empty()) return wrong_usage("--out is missing");
  if (options.seconds_max < options.seconds_min)
    return wrong_usage("--seconds-max is less than --seconds-min");
  const Status made = make_calls(options);
  if (made.ok()) return 0;
  std::fprintf(stderr, "holdfast-sample-calls: %s\n", made.error().message.c_str());
  return traits(made.error().code).exit_code;
}

}  // namespace
}  // namespace holdfast

int main(int argc, char** argv) { return holdfast::run(argc, argv); }
