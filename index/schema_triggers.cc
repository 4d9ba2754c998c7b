// Migration 1: the triggers. They stand behind the guard, so that a mistake in a
// command fails instead of destroying, and they keep the counters.
//
// Invariants that triggers keep, whatever a command does:
//   held         no row of recording becomes condemned (2) or destroying (3), or goes, while a
//                hold on it is unreleased or it is unlocated (4)                       (P3)
//   last copy    the last original or verified copy of a living part neither goes nor
//                becomes releasing; that it is bad (quarantined) is a fact, and taken  (P2)
//   retained     nor before its retention has ended by the compliance clock; that end is never
//                put earlier in compliance mode, in governance mode with a bypass row alone (P3,
//                P9)
//   holds        rows are never deleted, a release is never undone, a new one makes a
//                condemned recording live and is refused on a destroying one
//   tally        totals per tier and workspace (0: all) are those of the rows
#include "index/schema_text.h"

namespace holdfast::schema {

const std::string_view kTriggers1 = R"sql(
-- P3: locked means locked.
CREATE TRIGGER recording_locked BEFORE UPDATE OF state ON recording
WHEN NEW.state IN (2, 3) AND NEW.state <> OLD.state
BEGIN
  SELECT RAISE(ABORT, 'locked: a hold forbids the destruction of this recording')
    WHERE EXISTS (SELECT 1 FROM hold
                  WHERE recording_no = OLD.recording_no AND released_at IS NULL);
  SELECT RAISE(ABORT, 'locked: retention: it forbids the destruction of this recording')
    WHERE OLD.retain_until > coalesce((SELECT now FROM compliance_clock), 0);
  SELECT RAISE(ABORT, 'locked: no medium has shown this recording yet')
    WHERE OLD.state = 4;
  SELECT RAISE(ABORT, 'conflict: only a live recording is condemned')
    WHERE NEW.state = 2 AND OLD.state <> 1;
  SELECT RAISE(ABORT, 'conflict: only a condemned recording is destroyed')
    WHERE NEW.state = 3 AND OLD.state <> 2;
END;
CREATE TRIGGER recording_never_back BEFORE UPDATE OF state ON recording
WHEN OLD.state = 3 AND NEW.state <> 3
BEGIN
  SELECT RAISE(ABORT, 'conflict: the destruction of this recording has begun');
END;
CREATE TRIGGER recording_gone BEFORE DELETE ON recording
BEGIN
  SELECT RAISE(ABORT, 'locked: a hold forbids the destruction of this recording')
    WHERE EXISTS (SELECT 1 FROM hold
                  WHERE recording_no = OLD.recording_no AND released_at IS NULL);
  SELECT RAISE(ABORT, 'conflict: only a recording being destroyed goes')
    WHERE OLD.state <> 3;
END;
CREATE TRIGGER part_gone BEFORE DELETE ON part
WHEN (SELECT state FROM recording WHERE recording_no = OLD.recording_no) <> 3
BEGIN
  SELECT RAISE(ABORT, 'conflict: only a part of a recording being destroyed goes');
END;
CREATE TRIGGER file_gone BEFORE DELETE ON file
WHEN (SELECT state FROM recording WHERE recording_no = OLD.recording_no) <> 3
BEGIN
  SELECT RAISE(ABORT, 'conflict: only a file of a recording being destroyed goes');
END;
CREATE TRIGGER file_fixed BEFORE UPDATE OF size, sha256 ON file
BEGIN
  SELECT RAISE(ABORT, 'conflict: what ingest found in a file does not change');
END;

-- Holds.
CREATE TRIGGER hold_refused BEFORE INSERT ON hold
WHEN EXISTS (SELECT 1 FROM recording WHERE recording_no = NEW.recording_no AND state = 3)
BEGIN
  SELECT RAISE(ABORT, 'conflict: already-destroyed: the destruction of this recording has begun');
END;
CREATE TRIGGER hold_placed AFTER INSERT ON hold
WHEN NEW.released_at IS NULL
BEGIN
  UPDATE recording SET holds = holds + 1, state = iif(state = 2, 1, state)
    WHERE recording_no = NEW.recording_no;
  UPDATE matter SET holds = holds + 1 WHERE matter_id = NEW.matter_id;
END;
CREATE TRIGGER hold_kept BEFORE DELETE ON hold
BEGIN
  SELECT RAISE(ABORT, 'locked: a hold is released, never deleted');
END;
CREATE TRIGGER hold_fixed BEFORE UPDATE ON hold
WHEN OLD.released_at IS NOT NULL OR NEW.hold_id <> OLD.hold_id
  OR NEW.recording_no <> OLD.recording_no OR NEW.recording_id <> OLD.recording_id
  OR NEW.matter_id <> OLD.matter_id
BEGIN
  SELECT RAISE(ABORT, 'locked: a hold can only be released, once');
END;
CREATE TRIGGER hold_released AFTER UPDATE OF released_at ON hold
WHEN OLD.released_at IS NULL AND NEW.released_at IS NOT NULL
BEGIN
  UPDATE recording SET holds = holds - 1 WHERE recording_no = NEW.recording_no;
  UPDATE matter SET holds = holds - 1 WHERE matter_id = NEW.matter_id;
END;

-- Retention.
CREATE TRIGGER retention_kept BEFORE UPDATE OF class_no, retain_until ON recording
WHEN OLD.retain_until > coalesce((SELECT now FROM compliance_clock), 0)
  AND (coalesce(NEW.retain_until, 0) < OLD.retain_until
       OR (SELECT mode FROM retention_class WHERE class_no = OLD.class_no)
        > coalesce((SELECT mode FROM retention_class WHERE class_no = NEW.class_no), -1))
BEGIN
  SELECT RAISE(ABORT, 'locked: retention: in compliance mode it is never shortened')
    WHERE (SELECT mode FROM retention_class WHERE class_no = OLD.class_no) = 1;
  SELECT RAISE(ABORT, 'locked: retention: in governance mode only a bypass shortens it')
    WHERE NOT EXISTS (SELECT 1 FROM retention_bypass WHERE recording_no = OLD.recording_no);
END;
CREATE TRIGGER retention_refused BEFORE UPDATE OF class_no, retain_until ON recording
WHEN OLD.state = 3
BEGIN
  SELECT RAISE(ABORT, 'conflict: already-destroyed: the destruction of this recording has begun');
END;
CREATE TRIGGER retention_placed AFTER UPDATE OF retain_until ON recording
WHEN NEW.state = 2 AND NEW.retain_until > coalesce((SELECT now FROM compliance_clock), 0)
BEGIN
  UPDATE recording SET state = 1 WHERE recording_no = NEW.recording_no;
END;
CREATE TRIGGER retention_class_fixed BEFORE UPDATE ON retention_class
BEGIN
  SELECT RAISE(ABORT, 'locked: retention: a version of a class does not change');
END;
CREATE TRIGGER retention_class_kept BEFORE DELETE ON retention_class
BEGIN
  SELECT RAISE(ABORT, 'locked: retention: a version of a class is never deleted');
END;

-- P2: the last original or verified copy of a living part stays.
CREATE TRIGGER copy_last_gone BEFORE DELETE ON copy
WHEN OLD.state IN (1, 2)
  AND (SELECT state FROM recording WHERE recording_no = OLD.recording_no) <> 3
  AND NOT EXISTS (SELECT 1 FROM copy WHERE recording_no = OLD.recording_no
                  AND part = OLD.part AND medium_no <> OLD.medium_no
                  AND (state = 2 OR (state = 1 AND original = 1)))
BEGIN
  SELECT RAISE(ABORT, 'locked: this is the last copy of a living part');
END;
CREATE TRIGGER copy_last_released BEFORE UPDATE OF state ON copy
WHEN OLD.state IN (1, 2) AND NEW.state IN (0, 3, 4)
  AND (SELECT state FROM recording WHERE recording_no = OLD.recording_no) <> 3
  AND NOT EXISTS (SELECT 1 FROM copy WHERE recording_no = OLD.recording_no
                  AND part = OLD.part AND medium_no <> OLD.medium_no
                  AND (state = 2 OR (state = 1 AND original = 1)))
BEGIN
  SELECT RAISE(ABORT, 'locked: this is the last copy of a living part');
END;
CREATE TRIGGER copy_fixed BEFORE UPDATE OF recording_no, part, medium_no, original ON copy
WHEN NEW.recording_no <> OLD.recording_no OR NEW.part <> OLD.part
  OR NEW.medium_no <> OLD.medium_no OR NEW.original <> OLD.original
BEGIN
  SELECT RAISE(ABORT, 'conflict: a copy stays the copy it is');
END;

-- part.copies counts original and verified copies.
CREATE TRIGGER copy_counted AFTER INSERT ON copy
WHEN NEW.state = 2 OR (NEW.state = 1 AND NEW.original = 1)
BEGIN
  UPDATE part SET copies = copies + 1
    WHERE recording_no = NEW.recording_no AND part = NEW.part;
END;
CREATE TRIGGER copy_recounted AFTER UPDATE OF state ON copy
WHEN (NEW.state = 2 OR (NEW.state = 1 AND NEW.original = 1))
  <> (OLD.state = 2 OR (OLD.state = 1 AND OLD.original = 1))
BEGIN
  UPDATE part SET copies = copies
      + (NEW.state = 2 OR (NEW.state = 1 AND NEW.original = 1))
      - (OLD.state = 2 OR (OLD.state = 1 AND OLD.original = 1))
    WHERE recording_no = NEW.recording_no AND part = NEW.part;
END;
CREATE TRIGGER copy_uncounted AFTER DELETE ON copy
WHEN OLD.state = 2 OR (OLD.state = 1 AND OLD.original = 1)
BEGIN
  UPDATE part SET copies = copies - 1
    WHERE recording_no = OLD.recording_no AND part = OLD.part;
END;
CREATE TRIGGER part_single AFTER UPDATE OF copies ON part
WHEN (NEW.copies = 1) <> (OLD.copies = 1)
BEGIN
  UPDATE recording SET single_copy_bytes = single_copy_bytes
      + (NEW.copies = 1) * NEW.bytes - (OLD.copies = 1) * OLD.bytes
    WHERE recording_no = NEW.recording_no;
END;
CREATE TRIGGER part_single_gone AFTER DELETE ON part WHEN OLD.copies = 1
BEGIN
  UPDATE recording SET single_copy_bytes = single_copy_bytes - OLD.bytes
    WHERE recording_no = OLD.recording_no;
END;

-- Totals.
CREATE TRIGGER workspace_tally AFTER INSERT ON workspace WHEN NEW.workspace_no <> 0
BEGIN
  INSERT INTO tally (workspace_no, tier)
    VALUES (NEW.workspace_no, 0), (NEW.workspace_no, 1), (NEW.workspace_no, 2);
  UPDATE counter SET value = value + 1 WHERE name = 'workspaces';
END;
CREATE TRIGGER recording_tally_in AFTER INSERT ON recording
BEGIN
  UPDATE tally SET recordings = recordings + 1, bytes = bytes + NEW.bytes,
      held = held + (NEW.holds > 0), flagged = flagged + (NEW.flags <> 0),
      single_copy_bytes = single_copy_bytes + NEW.single_copy_bytes,
      destroying = destroying + (NEW.state IN (2, 3))
    WHERE workspace_no IN (0, NEW.workspace_no) AND tier = NEW.tier;
END;
CREATE TRIGGER recording_tally_change
AFTER UPDATE OF workspace_no, tier, bytes, holds, flags, single_copy_bytes, state ON recording
BEGIN
  UPDATE tally SET recordings = recordings - 1, bytes = bytes - OLD.bytes,
      held = held - (OLD.holds > 0), flagged = flagged - (OLD.flags <> 0),
      single_copy_bytes = single_copy_bytes - OLD.single_copy_bytes,
      destroying = destroying - (OLD.state IN (2, 3))
    WHERE workspace_no IN (0, OLD.workspace_no) AND tier = OLD.tier;
  UPDATE tally SET recordings = recordings + 1, bytes = bytes + NEW.bytes,
      held = held + (NEW.holds > 0), flagged = flagged + (NEW.flags <> 0),
      single_copy_bytes = single_copy_bytes + NEW.single_copy_bytes,
      destroying = destroying + (NEW.state IN (2, 3))
    WHERE workspace_no IN (0, NEW.workspace_no) AND tier = NEW.tier;
END;
CREATE TRIGGER recording_tally_out AFTER DELETE ON recording
BEGIN
  UPDATE tally SET recordings = recordings - 1, bytes = bytes - OLD.bytes,
      held = held - (OLD.holds > 0), flagged = flagged - (OLD.flags <> 0),
      single_copy_bytes = single_copy_bytes - OLD.single_copy_bytes,
      destroying = destroying - (OLD.state IN (2, 3))
    WHERE workspace_no IN (0, OLD.workspace_no) AND tier = OLD.tier;
END;
CREATE TRIGGER pack_count_in AFTER INSERT ON pack WHEN NEW.state = 0
BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'open_packs';
END;
CREATE TRIGGER pack_count_change AFTER UPDATE OF state ON pack
WHEN (NEW.state = 0) <> (OLD.state = 0)
BEGIN
  UPDATE counter SET value = value + (NEW.state = 0) - (OLD.state = 0) WHERE name = 'open_packs';
END;
CREATE TRIGGER pack_count_out AFTER DELETE ON pack WHEN OLD.state = 0
BEGIN
  UPDATE counter SET value = value - 1 WHERE name = 'open_packs';
END;
CREATE TRIGGER pack_fixed BEFORE UPDATE OF size, sha256 ON pack
WHEN OLD.state <> 0 AND (NEW.size <> OLD.size OR NEW.sha256 <> OLD.sha256)
BEGIN
  SELECT RAISE(ABORT, 'conflict: a sealed pack does not change');
END;
CREATE TRIGGER move_count_in AFTER INSERT ON move
BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'move.' || NEW.state;
END;
CREATE TRIGGER move_count_change AFTER UPDATE OF state ON move WHEN NEW.state <> OLD.state
BEGIN
  UPDATE counter SET value = value - 1 WHERE name = 'move.' || OLD.state;
  UPDATE counter SET value = value + 1 WHERE name = 'move.' || NEW.state;
END;
CREATE TRIGGER move_count_out AFTER DELETE ON move
BEGIN
  UPDATE counter SET value = value - 1 WHERE name = 'move.' || OLD.state;
END;
CREATE TRIGGER restore_count_in AFTER INSERT ON restore
BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'restore.' || NEW.state;
  UPDATE counter SET value = value + NEW.bytes WHERE name = 'staged_bytes' AND NEW.state IN (1, 2);
END;
CREATE TRIGGER restore_count_change AFTER UPDATE OF state ON restore WHEN NEW.state <> OLD.state
BEGIN
  UPDATE counter SET value = value - 1 WHERE name = 'restore.' || OLD.state;
  UPDATE counter SET value = value + 1 WHERE name = 'restore.' || NEW.state;
  UPDATE counter SET value = value + NEW.bytes * ((NEW.state IN (1, 2)) - (OLD.state IN (1, 2)))
    WHERE name = 'staged_bytes';
END;
CREATE TRIGGER quarantine_count_in AFTER INSERT ON quarantine
BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'quarantined';
END;
CREATE TRIGGER quarantine_count_change AFTER UPDATE OF resolved_at ON quarantine
WHEN OLD.resolved_at IS NULL AND NEW.resolved_at IS NOT NULL
BEGIN
  UPDATE counter SET value = value - 1 WHERE name = 'quarantined';
END;
CREATE TRIGGER outbox_count_in AFTER INSERT ON outbox
BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'outbox';
END;
CREATE TRIGGER outbox_count_change AFTER UPDATE OF parked_at ON outbox
WHEN (NEW.parked_at IS NULL) <> (OLD.parked_at IS NULL)
BEGIN
  UPDATE counter SET value = value + (NEW.parked_at IS NOT NULL) - (OLD.parked_at IS NOT NULL)
    WHERE name = 'parked';
END;
CREATE TRIGGER outbox_count_out AFTER DELETE ON outbox
BEGIN
  UPDATE counter SET value = value - 1 WHERE name = 'outbox';
  UPDATE counter SET value = value - 1 WHERE name = 'parked' AND OLD.parked_at IS NOT NULL;
END;
)sql";

}  // namespace holdfast::schema
