// A back-end whose medium is memory: the simplest that passes the conformance suite.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include "io/digest.h"
#include "tiers/backend.h"

namespace holdfast {

// Thread rule: any thread; any number of sessions.
class MemoryBackend final : public PackBackend {
 public:
  explicit MemoryBackend(MediumId medium, Tier tier = Tier::kWarm) : medium_(medium), tier_(tier) {}

  MediumId medium() const override { return medium_; }
  Tier tier() const override { return tier_; }
  std::string_view kind() const override { return "pack"; }
  Result<std::unique_ptr<PackSession>> attach(Io&) override {
    if (offline_) return Error{Code::kUnavailable, "the medium is offline"};
    return std::unique_ptr<PackSession>(new Session(*this));
  }

  void set_offline(bool offline) { offline_ = offline; }
  // Changes one byte of a pack on the medium.
  void corrupt(const PackLocation& location, size_t at) {
    const std::lock_guard lock(mutex_);
    packs_.at(location)[at] ^= 1;
  }
  size_t pack_count() const {
    const std::lock_guard lock(mutex_);
    return packs_.size();
  }

 private:
  class Session final : public PackSession {
   public:
    explicit Session(MemoryBackend& backend) : backend_(backend) {}

    Result<PackLocation> append(Io&, const PackId& pack, Bytes size,
                                const PackSource& source) override {
      std::string bytes;
      HOLDFAST_TRY(source([&](ByteSpan piece) -> Status {
        bytes += as_text(piece);
        return {};
      }));
      if (static_cast<int64_t>(bytes.size()) != size.count)
        return Error{Code::kCorrupt, "append: the pack has another size than was said"};
      const std::lock_guard lock(backend_.mutex_);
      backend_.packs_[pack.text()] = std::move(bytes);
      return pack.text();
    }

    Status read(Io&, const PackLocation& location, const std::vector<PackRange>& ranges,
                const RangeSink& sink) override {
      Bytes end;
      for (const PackRange& range : ranges) {
        if (range.offset < end || range.length.count < 0)
          return Error{Code::kInvalid, "ranges of a pack must ascend and not overlap"};
        end = range.offset + range.length;
      }
      HOLDFAST_ASSIGN(bytes, find(location));
      for (size_t index = 0; index < ranges.size(); ++index) {
        const PackRange& range = ranges[index];
        if ((range.offset + range.length).count > static_cast<int64_t>(bytes.size()))
          return Error{Code::kIo, "read: the medium ends early"};
        // In two pieces, so that callers do not come to rely on one.
        const std::string_view wanted = std::string_view(bytes).substr(
            static_cast<size_t>(range.offset.count), static_cast<size_t>(range.length.count));
        const size_t half = wanted.size() / 2;
        if (half > 0) HOLDFAST_TRY(sink(index, as_bytes(wanted.substr(0, half))));
        if (!wanted.empty()) HOLDFAST_TRY(sink(index, as_bytes(wanted.substr(half))));
      }
      return {};
    }

    Result<VerifyMode> verify(Io&, const PackLocation& location, Bytes size,
                              const Digest& digest) override {
      HOLDFAST_ASSIGN(bytes, find(location));
      if (static_cast<int64_t>(bytes.size()) != size.count || sha256(bytes) != digest)
        return Error{Code::kCorrupt, "verify: the pack differs"};
      return VerifyMode::kDirect;
    }

    Result<ReplacedPack> replace(Io&, const PackLocation& bad, Bytes size, const Digest& digest,
                                 const PackSource& source,
                                 const PackRepairPermit& permit) override {
      if (permit.medium() != backend_.medium_ || permit.pack().text() != bad)
        return Error{Code::kInvalid, "repair: the permit speaks of another pack or medium"};
      std::string bytes;
      HOLDFAST_TRY(source([&](ByteSpan piece) -> Status {
        bytes += as_text(piece);
        return {};
      }));
      if (static_cast<int64_t>(bytes.size()) != size.count || sha256(bytes) != digest)
        return Error{Code::kCorrupt, "repair: the pack differs from what was said"};
      const std::lock_guard lock(backend_.mutex_);
      backend_.packs_[bad] = std::move(bytes);
      return ReplacedPack{bad, VerifyMode::kDirect};
    }

    Status probe(Io&) override {
      if (backend_.offline_) return Error{Code::kUnavailable, "the medium is offline"};
      return {};
    }

    Status remove(Io&, const PackLocation& location, const PackReleasePermit& permit) override {
      if (permit.medium() != backend_.medium_ || permit.pack().text() != location)
        return Error{Code::kInvalid, "remove: the permit speaks of another pack or medium"};
      const std::lock_guard lock(backend_.mutex_);
      backend_.packs_.erase(location);
      return {};
    }

   private:
    Result<std::string> find(const PackLocation& location) {
      const std::lock_guard lock(backend_.mutex_);
      const auto found = backend_.packs_.find(location);
      if (found == backend_.packs_.end())
        return Error{Code::kNotFound, "no pack lies at " + location};
      return found->second;
    }

    MemoryBackend& backend_;
  };

  const MediumId medium_;
  const Tier tier_;
  std::atomic<bool> offline_{false};
  mutable std::mutex mutex_;
  std::map<PackLocation, std::string> packs_;
};

}  // namespace holdfast
