// One function per kind of decision; the table in decisions.cc names them.
// Internal to index/.
#pragma once

#include "index/writer.h"

namespace holdfast::apply {

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

}  // namespace holdfast::apply
