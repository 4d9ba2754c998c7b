// A decorator that makes a back-end fail where a Faults says so: before and after
// every operation, and amid the bytes that an append or a read transfers.
//
// Points: "attach", "append", "append bytes", "append done" (the pack is durable and
// the answer is lost), "read", "read bytes", "read remains", "verify", "verify done", "replace",
// "replace done", "list packs", "probe", "remove", "remove done".
#pragma once

#include <memory>

#include "io/fault.h"
#include "tiers/backend.h"

namespace holdfast {

class FaultyBackend final : public PackBackend {
 public:
  // Both outlive this and its sessions.
  FaultyBackend(PackBackend& inner, Faults& faults) : inner_(inner), faults_(faults) {}

  MediumId medium() const override { return inner_.medium(); }
  Tier tier() const override { return inner_.tier(); }
  std::string_view kind() const override { return inner_.kind(); }
  Result<std::unique_ptr<PackSession>> attach(Io& io) override {
    HOLDFAST_TRY(faults_.at("attach"));
    HOLDFAST_ASSIGN(session, inner_.attach(io));
    return std::unique_ptr<PackSession>(new Session(std::move(session), faults_));
  }

 private:
  class Session final : public PackSession {
   public:
    Session(std::unique_ptr<PackSession> inner, Faults& faults)
        : inner_(std::move(inner)), faults_(faults) {}

    Result<PackLocation> append(Io& io, const PackId& pack, Bytes size,
                                const PackSource& source) override {
      HOLDFAST_TRY(faults_.at("append"));
      HOLDFAST_ASSIGN(location, inner_->append(io, pack, size, [&](const ByteSink& sink) {
        return source([&](ByteSpan bytes) -> Status {
          HOLDFAST_TRY(faults_.at("append bytes"));
          return sink(bytes);
        });
      }));
      HOLDFAST_TRY(faults_.at("append done"));
      return location;
    }

    Status read(Io& io, const PackLocation& location, const std::vector<PackRange>& ranges,
                const RangeSink& sink) override {
      HOLDFAST_TRY(faults_.at("read"));
      return inner_->read(io, location, ranges, [&](size_t index, ByteSpan bytes) -> Status {
        HOLDFAST_TRY(faults_.at("read bytes"));
        return sink(index, bytes);
      });
    }

    Result<VerifyMode> verify(Io& io, const PackLocation& location, Bytes size,
                              const Digest& digest) override {
      HOLDFAST_TRY(faults_.at("verify"));
      HOLDFAST_ASSIGN(mode, inner_->verify(io, location, size, digest));
      HOLDFAST_TRY(faults_.at("verify done"));
      return mode;
    }

    Result<ReplacedPack> replace(Io& io, const PackLocation& bad, Bytes size, const Digest& digest,
                                 const PackSource& source,
                                 const PackRepairPermit& permit) override {
      HOLDFAST_TRY(faults_.at("replace"));
      HOLDFAST_ASSIGN(replaced, inner_->replace(io, bad, size, digest, source, permit));
      HOLDFAST_TRY(faults_.at("replace done"));
      return replaced;
    }

    Status read_remains(Io& io, const PackLocation& location, Bytes size,
                        const PieceSink& sink) override {
      HOLDFAST_TRY(faults_.at("read remains"));
      return inner_->read_remains(io, location, size, sink);
    }

    Status list(Io& io, const std::function<Status(const ShownPack&)>& see) override {
      HOLDFAST_TRY(faults_.at("list packs"));
      return inner_->list(io, see);
    }

    Status probe(Io& io) override {
      HOLDFAST_TRY(faults_.at("probe"));
      return inner_->probe(io);
    }

    Status remove(Io& io, const PackLocation& location, const PackReleasePermit& permit) override {
      HOLDFAST_TRY(faults_.at("remove"));
      HOLDFAST_TRY(inner_->remove(io, location, permit));
      return faults_.at("remove done");
    }

   private:
    std::unique_ptr<PackSession> inner_;
    Faults& faults_;
  };

  PackBackend& inner_;
  Faults& faults_;
};

}  // namespace holdfast
