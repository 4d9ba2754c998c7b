#include "tiers/watched_backend.h"

#include "base/log.h"

namespace holdfast {
namespace {

bool is_failure(Code code) {
  return code == Code::kIo || code == Code::kUnavailable || code == Code::kCorrupt ||
         code == Code::kNotFound;
}

// Tells `health` of an outcome that is nobody else's fault: not of one that had to end.
template <typename Outcome>
Outcome watched(const Io& io, Outcome outcome, BackendHealth& health, const PackBackend& backend) {
  if (!outcome.ok() && is_failure(outcome.error().code) && !io.interruption() &&
      health.failed(outcome.error()))
    log::event(log::Level::kError, "backend.suspended", {{"MEDIUM", backend.medium().text()}},
               "the {} medium {} is suspended after repeated failures: {}", word(backend.tier()),
               backend.medium().text(), outcome.error().message);
  return outcome;
}

class WatchedSession final : public PackSession {
 public:
  WatchedSession(std::unique_ptr<PackSession> inner, BackendHealth& health,
                 const PackBackend& backend)
      : inner_(std::move(inner)), health_(health), backend_(backend) {}

  Result<PackLocation> append(Io& io, const PackId& pack, Bytes size,
                              const PackSource& source) override {
    bool is_source = false;
    auto appended = inner_->append(io, pack, size, [&](const ByteSink& sink) -> Status {
      bool is_sink = false;
      Status given = source([&](ByteSpan bytes) -> Status {
        Status taken = sink(bytes);
        is_sink |= !taken.ok();
        return taken;
      });
      is_source = !given.ok() && !is_sink;
      return given;
    });
    return is_source ? std::move(appended) : watched(io, std::move(appended), health_, backend_);
  }

  Status read(Io& io, const PackLocation& location, const std::vector<PackRange>& ranges,
              const RangeSink& sink) override {
    bool is_sink = false;
    Status read = inner_->read(io, location, ranges, [&](size_t index, ByteSpan bytes) -> Status {
      Status taken = sink(index, bytes);
      is_sink |= !taken.ok();
      return taken;
    });
    return is_sink ? std::move(read) : watched(io, std::move(read), health_, backend_);
  }

  // What is known to be bad counts no more.
  Status read_remains(Io& io, const PackLocation& location, Bytes size,
                      const PieceSink& sink) override {
    return inner_->read_remains(io, location, size, sink);
  }

  Result<VerifyMode> verify(Io& io, const PackLocation& location, Bytes size,
                            const Digest& digest) override {
    return watched(io, inner_->verify(io, location, size, digest), health_, backend_);
  }

  Result<ReplacedPack> replace(Io& io, const PackLocation& bad, Bytes size, const Digest& digest,
                               const PackSource& source, const PackRepairPermit& permit) override {
    bool is_source = false;
    auto replaced = inner_->replace(
        io, bad, size, digest,
        [&](const ByteSink& sink) -> Status {
          bool is_sink = false;
          Status given = source([&](ByteSpan bytes) -> Status {
            Status taken = sink(bytes);
            is_sink |= !taken.ok();
            return taken;
          });
          is_source = !given.ok() && !is_sink;
          return given;
        },
        permit);
    return is_source ? std::move(replaced) : watched(io, std::move(replaced), health_, backend_);
  }

  Status remove(Io& io, const PackLocation& location, const PackReleasePermit& permit) override {
    return watched(io, inner_->remove(io, location, permit), health_, backend_);
  }

  Status list(Io& io, const std::function<Status(const ShownPack&)>& see) override {
    return inner_->list(io, see);
  }

  // A probe's outcome is its caller's to tell.
  Status probe(Io& io) override { return inner_->probe(io); }

 private:
  std::unique_ptr<PackSession> inner_;
  BackendHealth& health_;
  const PackBackend& backend_;
};

}  // namespace

Result<std::unique_ptr<PackSession>> WatchedBackend::attach(Io& io) {
  HOLDFAST_ASSIGN(session, watched(io, inner_.attach(io), health_, inner_));
  return std::unique_ptr<PackSession>(
      std::make_unique<WatchedSession>(std::move(session), health_, inner_));
}

}  // namespace holdfast
