#include "daemon/api/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace holdfast::api {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr std::array<std::string_view, 2> kEdgeWords = {"standard-warm", "warm-cold"};
constexpr std::array<std::string_view, 5> kStatusWords = {"1xx", "2xx", "3xx", "4xx", "5xx"};

std::string text(std::string_view word) { return std::string(word); }

// The families in their order, filled one after another.
class Page {
 public:
  Page& gauge(std::string name, std::string help) {
    return begin(std::move(name), std::move(help), MetricType::Gauge);
  }
  Page& counter(std::string name, std::string help) {
    return begin(std::move(name), std::move(help), MetricType::Counter);
  }
  Page& histogram(std::string name, std::string help) {
    return begin(std::move(name), std::move(help), MetricType::Histogram);
  }

  template <typename Number>
  Page& add(Labels labels, Number number) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = metric.counter.value = static_cast<double>(number);
    families_.back().metric.push_back(std::move(metric));
    return *this;
  }
  template <typename Number>
  Page& add(Number number) {
    return add(Labels(), number);
  }
  template <size_t N>
  Page& add(Labels labels, const Histogram<N>& histogram) {
    const auto reading = histogram.read();
    ClientMetric metric;
    metric.label = std::move(labels);
    uint64_t below = 0;
    for (size_t i = 0; i <= N; ++i) {
      below += static_cast<uint64_t>(reading.counts[i]);
      const double bound = i < N ? reading.bounds[i] : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({below, bound});
    }
    metric.histogram.sample_count = below;
    metric.histogram.sample_sum = reading.sum;
    families_.back().metric.push_back(std::move(metric));
    return *this;
  }

  std::string serialize() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  Page& begin(std::string name, std::string help, MetricType type) {
    families_.push_back({"holdfast_" + std::move(name), std::move(help), type, {}});
    return *this;
  }

  std::vector<prometheus::MetricFamily> families_;
};

void add_build(Page& page, const MetricsInput& input) {
  page.gauge("build_info", "1, labelled with the version.").add({{"version", HOLDFAST_VERSION}}, 1);
  page.gauge("start_time_seconds", "When the daemon began to serve, seconds since 1970.")
      .add(static_cast<double>(input.started_at.count) / 1000.0);
}

void add_attention(Page& page, const MetricsInput& input) {
  page.gauge("attention", "How many lines of this code need a person (holdfast status).");
  for (const AttentionCode& code : attention_codes()) {
    int64_t lines = 0;
    for (const Attention& one : input.attention) lines += one.code == &code;
    page.add({{"code", text(code.code)}, {"severity", text(word(code.severity))}}, lines);
  }
}

void add_tiers(Page& page, const MetricsInput& input) {
  const auto each = [&](auto value) {
    for (const Tier tier : {Tier::kStandard, Tier::kWarm, Tier::kCold})
      page.add({{"tier", text(holdfast::word(tier))}},
               value(input.seen.summary.tiers[static_cast<size_t>(tier)]));
  };
  page.gauge("tier_recordings", "Recordings whose fastest copy is on the tier.");
  each([](const TierTally& tally) { return tally.recordings; });
  page.gauge("tier_bytes", "Original bytes of those recordings.");
  each([](const TierTally& tally) { return tally.bytes.count; });
  page.gauge("tier_single_copy_bytes", "Of them, bytes that have one copy.");
  each([](const TierTally& tally) { return tally.single_copy.count; });
  page.gauge("tier_held_recordings", "Of them, recordings with a hold in force.");
  each([](const TierTally& tally) { return tally.held; });
  page.gauge("tier_flagged_recordings", "Of them, recordings that ingest flagged.");
  each([](const TierTally& tally) { return tally.flagged; });
  page.gauge("tier_destroying_recordings", "Of them, recordings whose destruction is under way.");
  each([](const TierTally& tally) { return tally.destroying; });
  page.gauge("workspaces", "Workspaces.").add(input.seen.summary.workspaces);
  page.gauge("quarantined_copies", "Copies whose bytes are wrong, not repaired yet.")
      .add(input.seen.summary.quarantined);
}

void add_media(Page& page, const MetricsInput& input) {
  const auto each = [&](auto value) {
    for (const SeenMedium& medium : input.seen.media)
      page.add({{"medium", medium.row.name}, {"tier", text(holdfast::word(medium.row.tier))}},
               value(medium));
  };
  page.gauge("medium_online", "1 when the medium is where it belongs.");
  each([](const SeenMedium& medium) { return medium.state() == MediumState::kOnline ? 1 : 0; });
  page.gauge("medium_free_bytes", "Free bytes of its file system; 0 while it is away.");
  each([](const SeenMedium& medium) { return medium.sight.free_bytes.count; });
  page.gauge("medium_size_bytes", "Bytes of its file system; 0 while it is away.");
  each([](const SeenMedium& medium) { return medium.sight.total_bytes.count; });
  page.gauge("backend_suspended", "1 while the tier's back-end is let alone since it fails.");
  for (const Tier tier : {Tier::kWarm, Tier::kCold})
    page.add({{"tier", text(holdfast::word(tier))}},
             input.around.gate.health(tier).suspension() ? 1 : 0);
}

void add_scrub(Page& page, const MetricsInput& input) {
  const auto each = [&](auto value) {
    for (const SeenMedium& medium : input.seen.media)
      if (medium.is_own)
        page.add({{"medium", medium.row.name}, {"tier", text(holdfast::word(medium.row.tier))}},
                 value(medium.row.medium));
  };
  const auto read = [&](auto value) {
    each([&](const MediumId& medium) {
      const auto found = input.scrub.find(medium);
      return found == input.scrub.end() ? int64_t{0} : value(found->second);
    });
  };
  page.counter("scrub_copies_total", "Copies that the scrub has read back.");
  read([](const ScrubStanding& standing) { return standing.copies; });
  page.counter("scrub_read_bytes_total", "Bytes that it has read back.");
  read([](const ScrubStanding& standing) { return standing.bytes.count; });
  page.counter("scrub_bad_copies_total", "Of those copies, the ones whose bytes were wrong.");
  read([](const ScrubStanding& standing) { return standing.bad; });
  page.gauge("scrub_oldest_read_seconds",
             "When the copy was last read back whose turn is the longest ago, seconds since 1970; "
             "0: nothing lies there.");
  each([&](const MediumId& medium) {
    const auto found = input.seen.scrub.oldest.find(medium);
    const bool lies_there = found != input.seen.scrub.oldest.end() && found->second;
    return lies_there ? static_cast<double>(found->second->count) / 1000.0 : 0.0;
  });
  page.gauge("scrub_backlog_copies", "Copies not read back within scrub.every, 10000 at most.");
  each([&](const MediumId& medium) {
    const auto found = input.seen.scrub.backlog.find(medium);
    return found == input.seen.scrub.backlog.end() ? int64_t{0} : found->second;
  });
}

void add_moves(Page& page, const MetricsInput& input) {
  page.gauge("moves", "Moves, by their state.");
  for (size_t i = 0; i < input.seen.summary.moves.size(); ++i)
    page.add({{"state", text(holdfast::word(static_cast<MoveState>(i)))}},
             input.seen.summary.moves[i]);
  page.gauge("open_packs", "Packs that gather members.").add(input.seen.summary.open_packs);
  page.counter("move_steps_total", "Steps of moves, by how they ended.");
  for (size_t i = 0; i < kEdgeWords.size(); ++i) {
    const std::string edge = text(kEdgeWords[i]);
    page.add({{"edge", edge}, {"result", "done"}}, input.work.moves[i].advanced.value());
    page.add({{"edge", edge}, {"result", "failed"}}, input.work.moves[i].failed.value());
  }
  page.counter("moved_bytes_total", "Bytes that moves have written.");
  for (size_t i = 0; i < kEdgeWords.size(); ++i)
    page.add({{"edge", text(kEdgeWords[i])}}, input.work.moves[i].bytes.value());
  page.gauge("edge_paused", "1 while somebody has stopped the moves of this edge.");
  for (const Edge edge : kEdges)
    page.add({{"edge", text(kEdgeWords[static_cast<size_t>(edge)])}},
             input.around.gate.paused(edge) ? 1 : 0);
}

void add_restores(Page& page, const MetricsInput& input) {
  page.gauge("restores", "Restores, by their state.");
  for (size_t i = 0; i < input.seen.summary.restores.size(); ++i)
    page.add({{"state", text(holdfast::word(static_cast<RestoreState>(i)))}},
             input.seen.summary.restores[i]);
  page.gauge("staged_bytes", "Bytes of restores that are being recalled or are staged.")
      .add(input.seen.summary.staged_bytes.count);
  const auto each = [&](auto add) {
    for (const Tier tier : {Tier::kWarm, Tier::kCold})
      add(text(holdfast::word(tier)), input.work.restores[static_cast<size_t>(tier)]);
  };
  page.counter("restore_tries_total", "Tries to serve a restore, by how they ended.");
  each([&](const std::string& tier, const RestoreMeters& meters) {
    page.add({{"result", "staged"}, {"tier", tier}}, meters.staged.value());
    page.add({{"result", "waits"}, {"tier", tier}}, meters.waited.value());
    page.add({{"result", "failed"}, {"tier", tier}}, meters.failed.value());
  });
  page.counter("restored_bytes_total", "Original bytes that restores have brought back.");
  each([&](const std::string& tier, const RestoreMeters& meters) {
    page.add({{"tier", tier}}, meters.bytes.value());
  });
  page.histogram("restore_seconds", "From the request of a restore to its staged copy.");
  each([&](const std::string& tier, const RestoreMeters& meters) {
    page.add({{"tier", tier}}, meters.seconds);
  });
  page.histogram("restore_estimate_ratio",
                 "That time over what was told at the request: 1 is right, 2 took twice as long.");
  each([&](const std::string& tier, const RestoreMeters& meters) {
    page.add({{"tier", tier}}, meters.error);
  });
}

void add_arrivals(Page& page, const MetricsInput& input) {
  page.counter("ingest_total", "Calls that came, by their way and what became of them.");
  for (size_t way = 0; way < kIngestWayWords.size(); ++way)
    for (size_t result = 0; result < kIngestResultWords.size(); ++result)
      page.add({{"result", text(kIngestResultWords[result])}, {"way", text(kIngestWayWords[way])}},
               input.work.ingest[way].results[result].value());
  page.counter("ingested_bytes_total", "Original bytes that were stored.");
  for (size_t way = 0; way < kIngestWayWords.size(); ++way)
    page.add({{"way", text(kIngestWayWords[way])}}, input.work.ingest[way].bytes.value());
  page.counter("spool_rejected_total", "Entries of the spool that were rejected.")
      .add(input.work.spool_rejected.value());
  page.gauge("spool_rejected_entries", "Entries that lie in spool/rejected, 1000 at most.")
      .add(input.seen.rejected);
  page.gauge("spool_stale_entries", "Entries that have waited an hour for metadata.json.")
      .add(input.around.stale.count);
}

void add_http(Page& page, const MetricsInput& input) {
  page.counter("http_requests_total", "Requests answered, by class of route and of status.");
  for (size_t i = 0; i < kRouteClassWords.size(); ++i)
    for (size_t status = 0; status < kStatusWords.size(); ++status)
      page.add({{"class", text(kRouteClassWords[i])}, {"status", text(kStatusWords[status])}},
               input.requests.answers[i][status].value());
  page.histogram("http_request_seconds", "From a request's head to its answer's.");
  for (size_t i = 0; i < kRouteClassWords.size(); ++i)
    page.add({{"class", text(kRouteClassWords[i])}}, input.requests.seconds[i].value);
  page.gauge("http_connections", "Open connections.").add(input.server.connections_open);
  page.counter("http_connections_total", "Connections accepted.")
      .add(input.server.connections_accepted);
  page.counter("http_refused_total", "Requests that are no HTTP we take.")
      .add(input.server.refused);
  page.counter("http_timed_out_total", "Connections ended by a deadline.")
      .add(input.server.timed_out);
  page.counter("http_made_room_total",
               "Silent or stalled connections ended for others, at the limit.")
      .add(input.server.made_room);
  page.counter("http_file_sent_bytes_total", "Bytes of files that were sent.")
      .add(input.server.file_bytes_sent);
  page.counter("tls_handshakes_total", "TLS handshakes, by how they ended.")
      .add({{"result", "done"}}, input.server.tls_handshakes)
      .add({{"result", "failed"}}, input.server.tls_failed);
  page.gauge("tls_certificate_end_seconds",
             "When the certificate ends, seconds since 1970; 0 without TLS.")
      .add(input.around.certificate
               ? static_cast<double>(input.around.certificate->not_after.count) / 1000.0
               : 0.0);
}

void add_audit(Page& page, const MetricsInput& input) {
  page.gauge("ledger_decisions", "Number of the last durable decision.")
      .add(input.seen.decisions_last);
  page.gauge("ledger_access_lines", "Number of the last durable access line.")
      .add(input.seen.access_last);
  page.gauge("ledger_lag_lines", "Decisions that the index has not taken yet.")
      .add(std::max<int64_t>(0, input.seen.decisions_last - input.seen.summary.applied_seq));
  page.gauge("ledger_in_step", "1 while ledger and mirror agree.")
      .add(input.seen.ledger == LedgerState::kReady ? 1 : 0);
  page.counter("writer_commands_total", "Changes that the writer made durable.")
      .add(input.writer.commands);
  page.counter("writer_batches_total",
               "Batches in which it did so; commands over batches is the size.")
      .add(input.writer.batches);
  page.counter("audit_lines_total", "Lines of access that were made durable.")
      .add(input.writer.access_lines);
  page.gauge("backup_end_time_seconds",
             "When the newest backup of the index was made, seconds since 1970; 0: there is none.")
      .add(input.around.backup.last
               ? static_cast<double>(input.around.backup.last->at.count) / 1000.0
               : 0.0);
  page.gauge("callbacks_waiting", "Callbacks in the outbox.")
      .add(input.seen.summary.waiting_callbacks);
  page.gauge("callbacks_parked", "Of them, those that were given up.")
      .add(input.seen.summary.parked_callbacks);
}

}  // namespace

std::string metrics_page(const MetricsInput& input) {
  Page page;
  add_build(page, input);
  add_attention(page, input);
  add_tiers(page, input);
  add_media(page, input);
  add_scrub(page, input);
  add_moves(page, input);
  add_restores(page, input);
  add_arrivals(page, input);
  add_http(page, input);
  add_audit(page, input);
  return page.serialize();
}

}  // namespace holdfast::api
