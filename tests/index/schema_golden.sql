CREATE INDEX api_key_workspace ON api_key (workspace_no, created_at);
CREATE INDEX copy_pack ON copy (pack_no, medium_no, recording_no, part) WHERE pack_no IS NOT NULL;
CREATE INDEX copy_releasing ON copy (state, recording_no) WHERE state = 3;
CREATE INDEX copy_scrub ON copy (medium_no, coalesce(verified_at, copied_at))
  WHERE pack_no IS NULL AND state IN (1, 2);
CREATE INDEX hold_matter ON hold (matter_id, placed_at, hold_id) WHERE released_at IS NULL;
CREATE INDEX hold_matter_recording ON hold (matter_id, recording_no) WHERE released_at IS NULL;
CREATE INDEX hold_recording ON hold (recording_id, placed_at, hold_id);
CREATE UNIQUE INDEX hold_unreleased ON hold (recording_no, matter_id) WHERE released_at IS NULL;
CREATE INDEX import_workspace ON import (workspace_no, import_no);
CREATE INDEX link_expires ON link (expires_at);
CREATE INDEX link_workspace ON link (workspace_no, link_no);
CREATE INDEX move_current ON move (move_no) WHERE state <> 5;
CREATE INDEX move_pack ON move (pack_no);
CREATE INDEX move_ready ON move (state, not_before) WHERE state <> 5;
CREATE UNIQUE INDEX move_unfinished ON move (pack_no, to_no) WHERE state <> 5;
CREATE INDEX outbox_parked ON outbox (parked_at) WHERE parked_at IS NOT NULL;
CREATE INDEX outbox_ready ON outbox (workspace_no, not_before) WHERE parked_at IS NULL;
CREATE INDEX outbox_recording ON outbox (recording_no) WHERE recording_no IS NOT NULL;
CREATE INDEX outbox_workspace ON outbox (workspace_no, message_no);
CREATE INDEX pack_copy_releasing ON pack_copy (state, pack_no) WHERE state = 3;
CREATE INDEX pack_copy_scrub ON pack_copy (medium_no, state, verified_at);
CREATE INDEX pack_dead ON pack (dead_since) WHERE dead_since IS NOT NULL AND state = 1;
CREATE INDEX pack_dead_share ON pack (dead_bytes * 1000 / max(bytes, 1))
  WHERE dead_since IS NOT NULL AND state = 1;
CREATE INDEX pack_due ON pack (state, next_action_at) WHERE next_action_at IS NOT NULL;
CREATE INDEX pack_open ON pack (opened_at) WHERE state = 0;
CREATE INDEX pack_unmirrored ON pack (pack_no) WHERE mirrored = 0 AND state = 1;
CREATE INDEX part_unplaced ON part (recording_no) WHERE placed = 0;
CREATE INDEX quarantine_due ON quarantine (not_before) WHERE resolved_at IS NULL;
CREATE INDEX quarantine_open ON quarantine (at) WHERE resolved_at IS NULL;
CREATE INDEX recall_sample_medium ON recall_sample (medium_no, sample_no);
CREATE INDEX recording_agent ON recording (workspace_no, service_id, started_at, recording_no)
  WHERE service_id IS NOT NULL;
CREATE INDEX recording_arrived ON recording (arrived_at) WHERE arrived_at IS NOT NULL;
CREATE INDEX recording_day ON recording (workspace_no, day, recording_no);
CREATE INDEX recording_due ON recording (tier, next_action_at) WHERE next_action_at IS NOT NULL;
CREATE INDEX recording_expiry ON recording (expires_at, class_no)
  WHERE expires_at IS NOT NULL AND holds = 0 AND state = 1;
CREATE INDEX recording_flagged ON recording (workspace_no, started_at, recording_no)
  WHERE flags <> 0;
CREATE INDEX recording_held ON recording (workspace_no, started_at, recording_no, service_id, tier)
  WHERE holds > 0;
CREATE INDEX recording_state ON recording (workspace_no, state, started_at, recording_no)
  WHERE state <> 1;
CREATE INDEX recording_tier ON recording (workspace_no, tier, started_at, recording_no);
CREATE INDEX recording_time ON recording (started_at, recording_no);
CREATE INDEX recording_unsettled ON recording (state, recording_no) WHERE state <> 1;
CREATE INDEX recording_workspace_time ON recording (workspace_no, started_at, recording_no);
CREATE INDEX restore_age ON restore (state, tier, requested_at, not_before) WHERE state <= 1;
CREATE INDEX restore_expiry ON restore (expires_at) WHERE state = 2;
CREATE UNIQUE INDEX restore_live ON restore (recording_no) WHERE state <= 2;
CREATE INDEX restore_queue ON restore (tier, workspace_no, priority, requested_at, not_before)
  WHERE state = 0;
CREATE INDEX restore_starter ON restore (started_by, requested_at);
CREATE INDEX restore_workspace ON restore (workspace_no, requested_at);
CREATE INDEX restore_workspace_state ON restore (workspace_no, state, requested_at);
CREATE INDEX rewrite_ready ON rewrite (not_before);
CREATE TABLE api_key (
  key_id BLOB PRIMARY KEY CHECK (length(key_id) = 16),
  workspace_no INTEGER NOT NULL REFERENCES workspace,
  name TEXT NOT NULL,
  scopes INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE assistant (
  workspace_no INTEGER NOT NULL REFERENCES workspace,
  service_id BLOB NOT NULL CHECK (length(service_id) = 16),
  recording_enabled INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (workspace_no, service_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE compliance_clock (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  now INTEGER NOT NULL,
  system INTEGER NOT NULL,
  credit_ms INTEGER NOT NULL,
  stopped_at INTEGER,
  why TEXT NOT NULL DEFAULT '',
  noted_at INTEGER NOT NULL,  -- compliance time of the last line that told it
  epoch INTEGER NOT NULL,     -- counts how often it was set
  accepted_at INTEGER         -- where a person last set it forward: expiry waits from there
) STRICT;
CREATE TABLE copy (
  recording_no INTEGER NOT NULL,
  part INTEGER NOT NULL,
  medium_no INTEGER NOT NULL REFERENCES medium,
  pack_no INTEGER REFERENCES pack,
  audio_offset INTEGER,
  audio_length INTEGER,
  metadata_offset INTEGER,
  metadata_length INTEGER,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5),
  original INTEGER NOT NULL DEFAULT 0,
  copied_at INTEGER,
  verified_at INTEGER,
  verify_mode INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (recording_no, part, medium_no),
  FOREIGN KEY (recording_no, part) REFERENCES part,
  CHECK (state NOT IN (1, 2) OR copied_at IS NOT NULL),
  CHECK (state <> 2 OR (verified_at IS NOT NULL AND verify_mode IN (1, 2)))
) STRICT, WITHOUT ROWID;
CREATE TABLE counter (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE expiry (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  day_from INTEGER NOT NULL,   -- when its present day began, by the compliance clock
  expired INTEGER NOT NULL,    -- in this day
  accepted INTEGER NOT NULL,   -- how many more a person lets go
  open_since INTEGER,
  due INTEGER NOT NULL         -- how many were due when it opened
) STRICT;
CREATE TABLE file (
  recording_no INTEGER NOT NULL,
  part INTEGER NOT NULL,
  name TEXT NOT NULL,
  size INTEGER NOT NULL CHECK (size >= 0),
  sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
  channel INTEGER NOT NULL,
  format TEXT NOT NULL,
  sample_rate INTEGER NOT NULL,
  tracks INTEGER NOT NULL DEFAULT 0,  -- 1 mono, 2 stereo, 0 not known
  duration_ms INTEGER,
  PRIMARY KEY (recording_no, part, name),
  FOREIGN KEY (recording_no, part) REFERENCES part
) STRICT, WITHOUT ROWID;
CREATE TABLE former_address (
  mark BLOB PRIMARY KEY CHECK (length(mark) = 32),
  recording_id BLOB NOT NULL CHECK (length(recording_id) = 16),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE hold (
  hold_id BLOB PRIMARY KEY CHECK (length(hold_id) = 16),
  recording_no INTEGER NOT NULL,
  recording_id BLOB NOT NULL CHECK (length(recording_id) = 16),
  matter_id BLOB NOT NULL REFERENCES matter,
  note TEXT NOT NULL,
  placed_by TEXT NOT NULL,
  placed_at INTEGER NOT NULL,
  release_note TEXT,
  released_by TEXT,
  released_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE import (
  import_no INTEGER PRIMARY KEY,
  import_id BLOB NOT NULL UNIQUE CHECK (length(import_id) = 16),
  workspace_no INTEGER NOT NULL REFERENCES workspace,
  who TEXT NOT NULL,
  label TEXT NOT NULL,
  source TEXT NOT NULL,  -- the client's mark of tree and pattern: it finds its unfinished import
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
  calls_total INTEGER,
  bytes_total INTEGER,
  calls_done INTEGER NOT NULL DEFAULT 0,
  calls_stored INTEGER NOT NULL DEFAULT 0,
  calls_already INTEGER NOT NULL DEFAULT 0,
  calls_failed INTEGER NOT NULL DEFAULT 0,
  bytes_done INTEGER NOT NULL DEFAULT 0,
  cursor TEXT NOT NULL DEFAULT '',
  error TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE TABLE link (
  link_no INTEGER PRIMARY KEY,
  jti BLOB NOT NULL UNIQUE CHECK (length(jti) = 16),
  workspace_no INTEGER NOT NULL REFERENCES workspace,
  recording_no INTEGER NOT NULL,
  file TEXT NOT NULL,
  kid INTEGER NOT NULL,
  minted_by TEXT NOT NULL,
  minted_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  restore_id BLOB,
  used_at INTEGER
) STRICT;
CREATE TABLE link_revocation (
  kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),  -- 0 link id, 1 signing key, 2 API key
  mark BLOB NOT NULL,
  revoked_at INTEGER NOT NULL,
  PRIMARY KEY (kind, mark)
) STRICT, WITHOUT ROWID;
CREATE TABLE matter (
  matter_id BLOB PRIMARY KEY CHECK (length(matter_id) = 16),
  workspace_no INTEGER NOT NULL REFERENCES workspace,
  name TEXT NOT NULL,
  note TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  holds INTEGER NOT NULL DEFAULT 0,
  UNIQUE (workspace_no, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE medium (
  medium_no INTEGER PRIMARY KEY,
  medium_id BLOB NOT NULL UNIQUE CHECK (length(medium_id) = 16),
  tier INTEGER NOT NULL CHECK (tier BETWEEN 0 AND 2),
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  state INTEGER NOT NULL,
  registered_at INTEGER NOT NULL,
  checked_at INTEGER,
  place TEXT UNIQUE  -- the path where it belongs; none: at no path that was configured
) STRICT;
CREATE TABLE metadata (
  recording_no INTEGER PRIMARY KEY REFERENCES recording,
  bytes BLOB NOT NULL
) STRICT;
CREATE TABLE move (
  move_no INTEGER PRIMARY KEY,
  pack_no INTEGER NOT NULL REFERENCES pack,
  from_no INTEGER NOT NULL REFERENCES medium,
  to_no INTEGER NOT NULL REFERENCES medium,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER, -- NULL: only a person can help
  error TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE note (
  hash TEXT PRIMARY KEY,
  text TEXT,
  erased_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
  message_no INTEGER PRIMARY KEY,
  message_id BLOB NOT NULL UNIQUE CHECK (length(message_id) = 16),  -- the receiver knows repeats by it
  workspace_no INTEGER NOT NULL REFERENCES workspace,  -- whose secret signs it
  recording_no INTEGER,  -- what it speaks of: it goes with the recording
  webhook_no INTEGER REFERENCES webhook,  -- NULL: a callback, asked for with one request
  url TEXT NOT NULL,
  event TEXT NOT NULL,
  body TEXT NOT NULL,  -- as it is sent, each time the same bytes
  created_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL,
  error TEXT NOT NULL DEFAULT '',  -- of the last try
  parked_at INTEGER  -- given up, until a person says otherwise
) STRICT;
CREATE TABLE pack (
  pack_no INTEGER PRIMARY KEY,
  pack_id BLOB NOT NULL UNIQUE CHECK (length(pack_id) = 16),
  cohort TEXT NOT NULL,
  target_no INTEGER NOT NULL REFERENCES medium,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
  opened_at INTEGER NOT NULL,
  sealed_at INTEGER,
  members INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL DEFAULT 0,
  sha256 BLOB CHECK (length(sha256) = 32),
  next_action_at INTEGER,
  dead_bytes INTEGER NOT NULL DEFAULT 0,  -- of bytes, of members that were destroyed
  dead_since INTEGER,                     -- when the first of them was
  mirrored INTEGER NOT NULL DEFAULT 0,    -- 1: the mirror of warm has it, or need not have it
  CHECK (state = 0 OR (sealed_at IS NOT NULL AND sha256 IS NOT NULL))
) STRICT;
CREATE TABLE pack_copy (
  pack_no INTEGER NOT NULL REFERENCES pack,
  medium_no INTEGER NOT NULL REFERENCES medium,
  location TEXT NOT NULL,
  state INTEGER NOT NULL,
  copied_at INTEGER NOT NULL,
  verified_at INTEGER,
  verify_mode INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (pack_no, medium_no)
) STRICT, WITHOUT ROWID;
CREATE TABLE part (
  recording_no INTEGER NOT NULL REFERENCES recording,
  part INTEGER NOT NULL CHECK (part >= 1),
  bytes INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  started_at INTEGER,  -- as its own metadata says
  ended_at INTEGER,
  placed INTEGER NOT NULL,
  copies INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (recording_no, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE quarantine (
  quarantine_no INTEGER PRIMARY KEY,
  recording_no INTEGER,
  part INTEGER,
  pack_no INTEGER,
  medium_no INTEGER NOT NULL REFERENCES medium,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  resolved_at INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,   -- of a repair
  not_before INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT ''         -- of the last try
) STRICT;
CREATE TABLE recall_sample (
  sample_no INTEGER PRIMARY KEY,
  medium_no INTEGER NOT NULL REFERENCES medium,
  at INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  elapsed_ms INTEGER NOT NULL,
  attach_ms INTEGER NOT NULL,
  recordings INTEGER NOT NULL
) STRICT;
CREATE TABLE recording (
  recording_no INTEGER PRIMARY KEY,
  recording_id BLOB NOT NULL UNIQUE CHECK (length(recording_id) = 16),
  workspace_no INTEGER NOT NULL REFERENCES workspace,
  home_no INTEGER REFERENCES workspace,  -- whose tree its files lie in, when that is another's
  call_sid TEXT CHECK (call_sid IS NOT NULL OR state = 4),
  service_id BLOB CHECK (length(service_id) = 16),
  direction INTEGER,
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  arrived_at INTEGER,  -- by the compliance clock, when the system's was behind it; else NULL
  day INTEGER NOT NULL,
  duration_ms INTEGER,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
  flags INTEGER NOT NULL,
  tier INTEGER NOT NULL CHECK (tier BETWEEN 0 AND 2),
  next_action_at INTEGER,
  class_no INTEGER REFERENCES retention_class,
  retain_until INTEGER,  -- not destroyed before, by the compliance clock; 2^63 - 1: for ever
  expires_at INTEGER,    -- then expiry takes it
  holds INTEGER NOT NULL DEFAULT 0,
  parts INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  single_copy_bytes INTEGER NOT NULL DEFAULT 0,
  UNIQUE (workspace_no, call_sid)
) STRICT;
CREATE VIRTUAL TABLE recording_search USING fts5 (
  scope, call_sid, caller, callee, tags, consent, words,
  tokenize = "unicode61 remove_diacritics 2", columnsize = 0
);
CREATE TABLE 'recording_search_config'(k PRIMARY KEY, v) WITHOUT ROWID;
CREATE TABLE 'recording_search_content'(id INTEGER PRIMARY KEY, c0, c1, c2, c3, c4, c5, c6);
CREATE TABLE 'recording_search_data'(id INTEGER PRIMARY KEY, block BLOB);
CREATE TABLE 'recording_search_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;
CREATE TABLE relabel (
  recording_no INTEGER NOT NULL REFERENCES recording,
  relabel_no INTEGER NOT NULL CHECK (relabel_no >= 1),
  at INTEGER NOT NULL,
  who TEXT NOT NULL,
  reason TEXT NOT NULL,  -- a note
  labels TEXT NOT NULL,  -- a note: a JSON merge patch of the attributes; '' for none
  sets_service INTEGER NOT NULL,
  service_id BLOB CHECK (length(service_id) = 16),
  from_no INTEGER NOT NULL REFERENCES workspace,
  to_no INTEGER NOT NULL REFERENCES workspace,
  PRIMARY KEY (recording_no, relabel_no)
) STRICT, WITHOUT ROWID;
CREATE TABLE restore (
  restore_no INTEGER PRIMARY KEY,
  restore_id BLOB NOT NULL UNIQUE CHECK (length(restore_id) = 16),
  recording_no INTEGER NOT NULL,
  workspace_no INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5),
  priority INTEGER NOT NULL,
  tier INTEGER NOT NULL CHECK (tier IN (1, 2)),  -- whose lane serves it
  bytes INTEGER NOT NULL,
  keep_ms INTEGER NOT NULL,
  started_by TEXT NOT NULL,  -- who asked first: whose recall budget it took
  requested_at INTEGER NOT NULL,
  started_at INTEGER,
  staged_at INTEGER,
  expires_at INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL,
  error TEXT NOT NULL DEFAULT '',
  pack_no INTEGER,  -- of the first archived part, so that recalls are grouped
  medium_no INTEGER
) STRICT;
CREATE TABLE restore_waiter (
  waiter_no INTEGER PRIMARY KEY,
  restore_no INTEGER NOT NULL REFERENCES restore,
  who TEXT NOT NULL,
  state INTEGER NOT NULL,  -- as restore.state, its own: one that cancelled stays so
  priority INTEGER NOT NULL,
  keep_ms INTEGER NOT NULL,
  callback_url TEXT NOT NULL,
  requested_at INTEGER NOT NULL,
  UNIQUE (restore_no, who)
) STRICT;
CREATE TABLE retention_bypass (
  recording_no INTEGER PRIMARY KEY,
  who TEXT NOT NULL
) STRICT;
CREATE TABLE retention_class (
  class_no INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  mode INTEGER NOT NULL CHECK (mode IN (0, 1)),          -- 0 governance, 1 compliance
  event INTEGER NOT NULL CHECK (event IN (0, 1)),        -- 0 the call's end, 1 its arrival
  amount INTEGER NOT NULL CHECK (amount >= 0),
  unit INTEGER NOT NULL CHECK (unit BETWEEN 0 AND 3),    -- days, months, years, for ever
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  UNIQUE (name, version)
) STRICT;
CREATE TABLE retention_default (
  workspace_no INTEGER PRIMARY KEY REFERENCES workspace,
  class TEXT NOT NULL
) STRICT;
CREATE TABLE rewrite (
  pack_no INTEGER PRIMARY KEY REFERENCES pack,
  new_pack_id BLOB NOT NULL UNIQUE CHECK (length(new_pack_id) = 16),
  begun_at INTEGER NOT NULL,
  written INTEGER NOT NULL DEFAULT 0,  -- 1: the new one may lie on a medium
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL,
  error TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE tally (
  workspace_no INTEGER NOT NULL,  -- 0: all
  tier INTEGER NOT NULL,
  recordings INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  held INTEGER NOT NULL DEFAULT 0,
  flagged INTEGER NOT NULL DEFAULT 0,
  single_copy_bytes INTEGER NOT NULL DEFAULT 0,
  destroying INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (workspace_no, tier)
) STRICT, WITHOUT ROWID;
CREATE TABLE tombstone (
  mark BLOB PRIMARY KEY CHECK (length(mark) = 32),
  recording_id BLOB NOT NULL CHECK (length(recording_id) = 16),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE webhook (
  webhook_no INTEGER PRIMARY KEY,
  workspace_no INTEGER NOT NULL REFERENCES workspace,
  url TEXT NOT NULL,
  events TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  disabled_at INTEGER
) STRICT;
CREATE TABLE workspace (
  workspace_no INTEGER PRIMARY KEY,
  workspace_id BLOB NOT NULL UNIQUE CHECK (length(workspace_id) = 16),
  name TEXT NOT NULL,
  slug TEXT UNIQUE,
  created_at INTEGER NOT NULL,
  link_life_ms INTEGER  -- of links minted here; null: as configured
) STRICT;
CREATE TRIGGER copy_counted AFTER INSERT ON copy
WHEN NEW.state = 2 OR (NEW.state = 1 AND NEW.original = 1)
BEGIN
  UPDATE part SET copies = copies + 1
    WHERE recording_no = NEW.recording_no AND part = NEW.part;
END;
CREATE TRIGGER copy_fixed BEFORE UPDATE OF recording_no, part, medium_no, original ON copy
WHEN NEW.recording_no <> OLD.recording_no OR NEW.part <> OLD.part
  OR NEW.medium_no <> OLD.medium_no OR NEW.original <> OLD.original
BEGIN
  SELECT RAISE(ABORT, 'conflict: a copy stays the copy it is');
END;
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
CREATE TRIGGER file_fixed BEFORE UPDATE OF size, sha256 ON file
BEGIN
  SELECT RAISE(ABORT, 'conflict: what ingest found in a file does not change');
END;
CREATE TRIGGER file_gone BEFORE DELETE ON file
WHEN (SELECT state FROM recording WHERE recording_no = OLD.recording_no) <> 3
BEGIN
  SELECT RAISE(ABORT, 'conflict: only a file of a recording being destroyed goes');
END;
CREATE TRIGGER hold_fixed BEFORE UPDATE ON hold
WHEN OLD.released_at IS NOT NULL OR NEW.hold_id <> OLD.hold_id
  OR NEW.recording_no <> OLD.recording_no OR NEW.recording_id <> OLD.recording_id
  OR NEW.matter_id <> OLD.matter_id
BEGIN
  SELECT RAISE(ABORT, 'locked: a hold can only be released, once');
END;
CREATE TRIGGER hold_kept BEFORE DELETE ON hold
BEGIN
  SELECT RAISE(ABORT, 'locked: a hold is released, never deleted');
END;
CREATE TRIGGER hold_placed AFTER INSERT ON hold
WHEN NEW.released_at IS NULL
BEGIN
  UPDATE recording SET holds = holds + 1, state = iif(state = 2, 1, state)
    WHERE recording_no = NEW.recording_no;
  UPDATE matter SET holds = holds + 1 WHERE matter_id = NEW.matter_id;
END;
CREATE TRIGGER hold_refused BEFORE INSERT ON hold
WHEN EXISTS (SELECT 1 FROM recording WHERE recording_no = NEW.recording_no AND state = 3)
BEGIN
  SELECT RAISE(ABORT, 'conflict: already-destroyed: the destruction of this recording has begun');
END;
CREATE TRIGGER hold_released AFTER UPDATE OF released_at ON hold
WHEN OLD.released_at IS NULL AND NEW.released_at IS NOT NULL
BEGIN
  UPDATE recording SET holds = holds - 1 WHERE recording_no = NEW.recording_no;
  UPDATE matter SET holds = holds - 1 WHERE matter_id = NEW.matter_id;
END;
CREATE TRIGGER move_count_change AFTER UPDATE OF state ON move WHEN NEW.state <> OLD.state
BEGIN
  UPDATE counter SET value = value - 1 WHERE name = 'move.' || OLD.state;
  UPDATE counter SET value = value + 1 WHERE name = 'move.' || NEW.state;
END;
CREATE TRIGGER move_count_in AFTER INSERT ON move
BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'move.' || NEW.state;
END;
CREATE TRIGGER move_count_out AFTER DELETE ON move
BEGIN
  UPDATE counter SET value = value - 1 WHERE name = 'move.' || OLD.state;
END;
CREATE TRIGGER outbox_count_change AFTER UPDATE OF parked_at ON outbox
WHEN (NEW.parked_at IS NULL) <> (OLD.parked_at IS NULL)
BEGIN
  UPDATE counter SET value = value + (NEW.parked_at IS NOT NULL) - (OLD.parked_at IS NOT NULL)
    WHERE name = 'parked';
END;
CREATE TRIGGER outbox_count_in AFTER INSERT ON outbox
BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'outbox';
END;
CREATE TRIGGER outbox_count_out AFTER DELETE ON outbox
BEGIN
  UPDATE counter SET value = value - 1 WHERE name = 'outbox';
  UPDATE counter SET value = value - 1 WHERE name = 'parked' AND OLD.parked_at IS NOT NULL;
END;
CREATE TRIGGER pack_count_change AFTER UPDATE OF state ON pack
WHEN (NEW.state = 0) <> (OLD.state = 0)
BEGIN
  UPDATE counter SET value = value + (NEW.state = 0) - (OLD.state = 0) WHERE name = 'open_packs';
END;
CREATE TRIGGER pack_count_in AFTER INSERT ON pack WHEN NEW.state = 0
BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'open_packs';
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
CREATE TRIGGER part_gone BEFORE DELETE ON part
WHEN (SELECT state FROM recording WHERE recording_no = OLD.recording_no) <> 3
BEGIN
  SELECT RAISE(ABORT, 'conflict: only a part of a recording being destroyed goes');
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
CREATE TRIGGER quarantine_count_change AFTER UPDATE OF resolved_at ON quarantine
WHEN OLD.resolved_at IS NULL AND NEW.resolved_at IS NOT NULL
BEGIN
  UPDATE counter SET value = value - 1 WHERE name = 'quarantined';
END;
CREATE TRIGGER quarantine_count_in AFTER INSERT ON quarantine
BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'quarantined';
END;
CREATE TRIGGER recording_gone BEFORE DELETE ON recording
BEGIN
  SELECT RAISE(ABORT, 'locked: a hold forbids the destruction of this recording')
    WHERE EXISTS (SELECT 1 FROM hold
                  WHERE recording_no = OLD.recording_no AND released_at IS NULL);
  SELECT RAISE(ABORT, 'conflict: only a recording being destroyed goes')
    WHERE OLD.state <> 3;
END;
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
CREATE TRIGGER recording_tally_in AFTER INSERT ON recording
BEGIN
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
CREATE TRIGGER restore_count_change AFTER UPDATE OF state ON restore WHEN NEW.state <> OLD.state
BEGIN
  UPDATE counter SET value = value - 1 WHERE name = 'restore.' || OLD.state;
  UPDATE counter SET value = value + 1 WHERE name = 'restore.' || NEW.state;
  UPDATE counter SET value = value + NEW.bytes * ((NEW.state IN (1, 2)) - (OLD.state IN (1, 2)))
    WHERE name = 'staged_bytes';
END;
CREATE TRIGGER restore_count_in AFTER INSERT ON restore
BEGIN
  UPDATE counter SET value = value + 1 WHERE name = 'restore.' || NEW.state;
  UPDATE counter SET value = value + NEW.bytes WHERE name = 'staged_bytes' AND NEW.state IN (1, 2);
END;
CREATE TRIGGER retention_class_fixed BEFORE UPDATE ON retention_class
BEGIN
  SELECT RAISE(ABORT, 'locked: retention: a version of a class does not change');
END;
CREATE TRIGGER retention_class_kept BEFORE DELETE ON retention_class
BEGIN
  SELECT RAISE(ABORT, 'locked: retention: a version of a class is never deleted');
END;
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
CREATE TRIGGER retention_placed AFTER UPDATE OF retain_until ON recording
WHEN NEW.state = 2 AND NEW.retain_until > coalesce((SELECT now FROM compliance_clock), 0)
BEGIN
  UPDATE recording SET state = 1 WHERE recording_no = NEW.recording_no;
END;
CREATE TRIGGER retention_refused BEFORE UPDATE OF class_no, retain_until ON recording
WHEN OLD.state = 3
BEGIN
  SELECT RAISE(ABORT, 'conflict: already-destroyed: the destruction of this recording has begun');
END;
CREATE TRIGGER workspace_tally AFTER INSERT ON workspace WHEN NEW.workspace_no <> 0
BEGIN
  INSERT INTO tally (workspace_no, tier)
    VALUES (NEW.workspace_no, 0), (NEW.workspace_no, 1), (NEW.workspace_no, 2);
  UPDATE counter SET value = value + 1 WHERE name = 'workspaces';
END;
-- application_id 1212574072, user_version 1
CREATE TABLE key_hash (
  hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
  key_id BLOB NOT NULL UNIQUE CHECK (length(key_id) = 16)
) STRICT, WITHOUT ROWID;
CREATE TABLE secret_setting (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE signing_key (
  workspace_id BLOB NOT NULL CHECK (length(workspace_id) = 16),
  kid INTEGER NOT NULL,
  secret BLOB NOT NULL CHECK (length(secret) = 32),
  created_at INTEGER NOT NULL,
  retired_at INTEGER,
  PRIMARY KEY (workspace_id, kid)
) STRICT, WITHOUT ROWID;
CREATE TABLE webhook_secret (
  workspace_id BLOB NOT NULL CHECK (length(workspace_id) = 16),
  number INTEGER NOT NULL,
  secret BLOB NOT NULL CHECK (length(secret) = 32),
  created_at INTEGER NOT NULL,
  signs_until INTEGER,  -- NULL: the one in force; the one before signs along for a while
  PRIMARY KEY (workspace_id, number)
) STRICT, WITHOUT ROWID;
-- application_id 1212576613, user_version 1
