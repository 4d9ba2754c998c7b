#include <algorithm>

#include "audio/compressed.h"

namespace holdfast {
namespace {

constexpr int kBoxesMax = 100'000;                    // of one file: hours of fragments of a second
constexpr int64_t kSecondsMax = 366 * 24 * 3600;      // a longer track is a lie
constexpr size_t kHeaderFieldsBytes = 4 + 8 * 3 + 4;  // of mvhd and mdhd, version 1

uint64_t integer(ByteSpan bytes, size_t at, size_t count) {
  uint64_t value = 0;
  for (size_t i = at; i < at + count; ++i) value = value << 8 | std::to_integer<uint64_t>(bytes[i]);
  return value;
}

struct Box {
  std::string type;  // four bytes
  int64_t body = 0;  // where it begins
  int64_t end = 0;
};

// A length as mvhd, mdhd and mehd have it.
std::optional<Millis> length_of(uint64_t duration, uint64_t scale) {
  if (scale == 0 || duration / scale > static_cast<uint64_t>(kSecondsMax)) return std::nullopt;
  return Millis(static_cast<int64_t>(duration / scale * 1000 + duration % scale * 1000 / scale));
}

struct Track {
  bool sounds = false;
  int channels = 0;
  int rate_hz = 0;
  std::optional<Millis> length;
};

class Boxes {
 public:
  explicit Boxes(FileWindow& file) : file_(file) {}

  Result<CompressedSound> run() {
    bool has_moov = false;
    HOLDFAST_TRY(each(0, file_.length(), [&](const Box& box) -> Status {
      if (box.type != "moov" || has_moov) return Status();
      has_moov = true;
      return read_moov(box);
    }));
    return has_moov ? result() : CompressedSound();
  }

 private:
  // Calls `visit` with each box between the two offsets. A box that is longer than what it lies
  // in is cut, one that is shorter than its own header ends the walk: both are damage.
  template <typename Visit>
  Status each(int64_t from, int64_t to, const Visit& visit) {
    while (from < to) {
      if (++boxes_ > kBoxesMax) return Status();
      HOLDFAST_ASSIGN(bytes, file_.at(from, 16));
      if (bytes.size() < 8 || to - from < 8) return damaged();
      Box box;
      box.type = as_text(bytes.subspan(4, 4));
      uint64_t size = integer(bytes, 0, 4);
      size_t header = 8;
      if (size == 1) {
        if (bytes.size() < 16 || to - from < 16) return damaged();
        size = integer(bytes, 8, 8);
        header = 16;
      } else if (size == 0) {
        size = static_cast<uint64_t>(to - from);
      }
      if (size < header) return damaged();
      const auto room = static_cast<uint64_t>(to - from);
      if (size > room) damaged_ = true;
      box.body = from + static_cast<int64_t>(header);
      box.end = from + static_cast<int64_t>(std::min(size, room));
      from = box.end;
      HOLDFAST_TRY(visit(box));
    }
    return Status();
  }

  Status damaged() {
    damaged_ = true;
    return Status();
  }

  // The first bytes of a box, at most `count`.
  Result<ByteSpan> body(const Box& box, size_t count) {
    return file_.at(box.body, static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(count),
                                                                    box.end - box.body)));
  }

  Status read_moov(const Box& moov) {
    return each(moov.body, moov.end, [&](const Box& box) -> Status {
      if (box.type == "trak") return read_track(box);
      if (box.type == "mvex") return read_fragments(box);
      if (box.type != "mvhd") return Status();
      HOLDFAST_ASSIGN(length, read_length(box, &movie_scale_));
      static_cast<void>(length);
      return Status();
    });
  }

  // mvhd and mdhd: version, flags, two times, scale, duration.
  Result<std::optional<Millis>> read_length(const Box& box, uint64_t* scale) {
    HOLDFAST_ASSIGN(bytes, body(box, kHeaderFieldsBytes));
    const bool is_long = !bytes.empty() && bytes[0] == std::byte{1};
    const size_t word = is_long ? 8 : 4;
    if (bytes.size() < 4 + 2 * word + 4 + word) {
      damaged_ = true;
      return std::optional<Millis>();
    }
    *scale = integer(bytes, 4 + 2 * word, 4);
    const uint64_t duration = integer(bytes, 4 + 2 * word + 4, word);
    return length_of(duration, *scale);
  }

  Status read_track(const Box& trak) {
    Track track;
    HOLDFAST_TRY(each(trak.body, trak.end, [&](const Box& mdia) -> Status {
      if (mdia.type != "mdia") return Status();
      return each(mdia.body, mdia.end, [&](const Box& box) { return read_media(box, track); });
    }));
    if (!track.sounds) return Status();
    const bool is_longer =
        !sound_ || track.length.value_or(Millis(0)) > sound_->length.value_or(Millis(0));
    if (is_longer) sound_ = track;
    return Status();
  }

  Status read_media(const Box& box, Track& track) {
    if (box.type == "hdlr") {
      HOLDFAST_ASSIGN(bytes, body(box, 12));
      track.sounds = bytes.size() == 12 && as_text(bytes.subspan(8, 4)) == "soun";
    } else if (box.type == "mdhd") {
      uint64_t scale = 0;
      HOLDFAST_ASSIGN(length, read_length(box, &scale));
      track.length = length;
    } else if (box.type == "minf") {
      return each(box.body, box.end, [&](const Box& stbl) -> Status {
        if (stbl.type != "stbl") return Status();
        return each(stbl.body, stbl.end, [&](const Box& stsd) { return read_form(stsd, track); });
      });
    }
    return Status();
  }

  // The first sample entry of a sound track: channels and rate (16.16 bits).
  Status read_form(const Box& stsd, Track& track) {
    if (stsd.type != "stsd") return Status();
    HOLDFAST_ASSIGN(bytes, body(stsd, 8 + 36));
    if (bytes.size() < 8 + 36) return damaged();
    track.channels = static_cast<int>(integer(bytes, 8 + 24, 2));
    track.rate_hz = static_cast<int>(integer(bytes, 8 + 32, 2));
    return Status();
  }

  // mvex/mehd: how long all fragments are together.
  Status read_fragments(const Box& mvex) {
    fragmented_ = true;
    return each(mvex.body, mvex.end, [&](const Box& mehd) -> Status {
      if (mehd.type != "mehd") return Status();
      HOLDFAST_ASSIGN(bytes, body(mehd, 12));
      const size_t word = !bytes.empty() && bytes[0] == std::byte{1} ? 8 : 4;
      if (bytes.size() < 4 + word) return damaged();
      fragments_duration_ = integer(bytes, 4, word);
      return Status();
    });
  }

  CompressedSound result() const {
    CompressedSound sound;
    sound.is_known = true;
    sound.truncated = damaged_;
    if (!sound_) {
      sound.empty = true;  // pictures, or nothing
      return sound;
    }
    sound.channels = sound_->channels;
    sound.sample_rate_hz = sound_->rate_hz;
    sound.duration = sound_->length;
    if (fragmented_ && sound.duration == Millis(0)) {
      sound.duration.reset();
      if (fragments_duration_ > 0) sound.duration = length_of(fragments_duration_, movie_scale_);
    }
    sound.empty = sound.duration == Millis(0);
    return sound;
  }

  FileWindow& file_;
  int boxes_ = 0;
  bool damaged_ = false;
  bool fragmented_ = false;
  uint64_t movie_scale_ = 0;
  uint64_t fragments_duration_ = 0;
  std::optional<Track> sound_;
};

}  // namespace

Result<CompressedSound> measure_mp4(FileWindow& file) { return Boxes(file).run(); }

}  // namespace holdfast
