// One function per kind of decision; the table in decisions.cc names them.
// Internal to index/.
#pragma once

#include "index/writer.h"

namespace holdfast::apply {

// A replay over lost lines may meet a lock whose end was among them. The lock wins (P3): the line
// changes nothing, that is told, and the replay goes on (P6). Live, the error stays one.
Status let_lock_win(WriteTxn& txn, Status done);
// decisions_recording.cc
Status ingested(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status condemned(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status destroying(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status destroyed(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status hold_placed(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status hold_released(WriteTxn& txn, const Decision& line, DecisionSource& source);
// A part that the ledger spoke of and no medium had shown, once a pack shows it.
Status locate_part(WriteTxn& txn, RecordingNo number, int part, DecisionSource& source);
// decisions_relabel.cc
Status relabelled(WriteTxn& txn, const Decision& line, DecisionSource& source);
// What all relabels of the recording say, once more into its row and its search text: after its
// ingest was applied, which says what media say.
Status apply_labels(WriteTxn& txn, RecordingNo recording);
// decisions_retention.cc
Status retention_class_set(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status retention_default_set(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status retained(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status clock_set(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status clock_kept(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status expiry_accepted(WriteTxn& txn, const Decision& line, DecisionSource& source);
// When an ingest's line says that the part arrived by the compliance clock; nothing: by the
// system's.
Result<std::optional<UnixMillis>> arrival_of(const json::object& details);
// The retention that an ingest's line gives: nothing that the row has is taken away by a line that
// names no class.
Status set_ingest_retention(WriteTxn& txn, RecordingNo recording, const json::object& details);
// The retention that the details of a line give to a recording: class, version, and its ends.
Status set_retention(WriteTxn& txn, RecordingNo recording, const json::object& details);
// The compliance time by which a line was decided has come: an older index learns it on replay.
Status learn_clock(WriteTxn& txn, const json::object& details);
// decisions_keys.cc
Status workspace_added(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status workspace_changed(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status key_created(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status key_revoked(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status link_revoked(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status signing_key_rotated(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status webhook_secret_rotated(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status moves_paused(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status moves_resumed(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status config_applied(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status ledger_healed(WriteTxn& txn, const Decision& line, DecisionSource& source);
// decisions_recovery.cc
Status ledger_begun(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status recovery_begun(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status matter_released(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status index_rebuilt(WriteTxn& txn, const Decision& line, DecisionSource& source);
// decisions_media.cc
Status medium_registered(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status medium_placed(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status medium_state(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status pack_sealed(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status pack_copied(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status pack_verified(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status pack_released(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status copy_released(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status copy_quarantined(WriteTxn& txn, const Decision& line, DecisionSource& source);
// A sealed pack's member has its copy there.
struct PackOn {
  int64_t pack_no;
  int64_t medium_no;
};
Status seal_member(WriteTxn& txn, const PackOn& place, const SealedMember& member,
                   DecisionSource& source);
// Nothing when the pack is not known or still open: its sealing was replayed without its contents.
Result<std::optional<int64_t>> known_pack(WriteTxn& txn, const PackId& pack);
// decisions_repair.cc
Status copy_repaired(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status pack_repaired(WriteTxn& txn, const Decision& line, DecisionSource& source);
Status pack_rewritten(WriteTxn& txn, const Decision& line, DecisionSource& source);

}  // namespace holdfast::apply
