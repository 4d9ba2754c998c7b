// Migration 1: the tables. What the numbers in the columns mean is base/rows.h;
// what the tables are is docs/index.md. Times are milliseconds since 1970 UTC,
// ids 16 bytes, digests 32.
#include "index/schema_text.h"

namespace holdfast::schema {

const std::string_view kTables1 = R"sql(
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE workspace (
  workspace_no INTEGER PRIMARY KEY,
  workspace_id BLOB NOT NULL UNIQUE CHECK (length(workspace_id) = 16),
  name TEXT NOT NULL,
  slug TEXT UNIQUE,
  created_at INTEGER NOT NULL,
  link_life_ms INTEGER  -- of links minted here; null: as configured
) STRICT;

CREATE TABLE api_key (
  key_id BLOB PRIMARY KEY CHECK (length(key_id) = 16),
  workspace_no INTEGER NOT NULL REFERENCES workspace,
  name TEXT NOT NULL,
  scopes INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_workspace ON api_key (workspace_no, created_at);

CREATE TABLE link_revocation (
  kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),  -- 0 link id, 1 signing key, 2 API key
  mark BLOB NOT NULL,
  revoked_at INTEGER NOT NULL,
  PRIMARY KEY (kind, mark)
) STRICT, WITHOUT ROWID;

-- Minted links that may be good, for listings: no link needs its row.
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
CREATE INDEX link_workspace ON link (workspace_no, link_no);
CREATE INDEX link_expires ON link (expires_at);

CREATE TABLE assistant (
  workspace_no INTEGER NOT NULL REFERENCES workspace,
  service_id BLOB NOT NULL CHECK (length(service_id) = 16),
  recording_enabled INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (workspace_no, service_id)
) STRICT, WITHOUT ROWID;

-- A change of a class is a further version; recordings keep the one they were given.
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

-- What a new recording is given: by its workspace's row, else by that of workspace 0.
CREATE TABLE retention_default (
  workspace_no INTEGER PRIMARY KEY REFERENCES workspace,
  class TEXT NOT NULL
) STRICT;

-- Allows one recording's retention to be shortened, within the transaction that puts and takes it.
CREATE TABLE retention_bypass (
  recording_no INTEGER PRIMARY KEY,
  who TEXT NOT NULL
) STRICT;

-- The compliance clock as it was kept last (base/compliance_clock.h). No row: it was never set.
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

-- The circuit breaker of expiry.
CREATE TABLE expiry (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  day_from INTEGER NOT NULL,   -- when its present day began, by the compliance clock
  expired INTEGER NOT NULL,    -- in this day
  accepted INTEGER NOT NULL,   -- how many more a person lets go
  open_since INTEGER,
  due INTEGER NOT NULL         -- how many were due when it opened
) STRICT;
INSERT INTO expiry (one, day_from, expired, accepted, due) VALUES (1, 0, 0, 0, 0);

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
CREATE INDEX recording_due ON recording (tier, next_action_at) WHERE next_action_at IS NOT NULL;
-- What a hold keeps is not due, however long its end has passed.
CREATE INDEX recording_expiry ON recording (expires_at, class_no)
  WHERE expires_at IS NOT NULL AND holds = 0 AND state = 1;
CREATE INDEX recording_arrived ON recording (arrived_at) WHERE arrived_at IS NOT NULL;
CREATE INDEX recording_time ON recording (started_at, recording_no);
CREATE INDEX recording_workspace_time ON recording (workspace_no, started_at, recording_no);
CREATE INDEX recording_agent ON recording (workspace_no, service_id, started_at, recording_no)
  WHERE service_id IS NOT NULL;
CREATE INDEX recording_day ON recording (workspace_no, day, recording_no);
CREATE INDEX recording_unsettled ON recording (state, recording_no) WHERE state <> 1;
-- Agent and tier last: a filter by them is tested without a look at the row.
CREATE INDEX recording_held ON recording (workspace_no, started_at, recording_no, service_id, tier)
  WHERE holds > 0;
CREATE INDEX recording_flagged ON recording (workspace_no, started_at, recording_no)
  WHERE flags <> 0;
CREATE INDEX recording_state ON recording (workspace_no, state, started_at, recording_no)
  WHERE state <> 1;
CREATE INDEX recording_tier ON recording (workspace_no, tier, started_at, recording_no);

CREATE TABLE metadata (
  recording_no INTEGER PRIMARY KEY REFERENCES recording,
  bytes BLOB NOT NULL
) STRICT;

-- A recording's words, by its number: index/read/search.h. scope keeps workspaces apart.
CREATE VIRTUAL TABLE recording_search USING fts5 (
  scope, call_sid, caller, callee, tags, consent, words,
  tokenize = "unicode61 remove_diacritics 2", columnsize = 0
);

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
CREATE INDEX part_unplaced ON part (recording_no) WHERE placed = 0;

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
CREATE INDEX pack_open ON pack (opened_at) WHERE state = 0;
CREATE INDEX pack_dead ON pack (dead_since) WHERE dead_since IS NOT NULL AND state = 1;
-- In thousandths: the packs of which the most is dead stand last.
CREATE INDEX pack_dead_share ON pack (dead_bytes * 1000 / max(bytes, 1))
  WHERE dead_since IS NOT NULL AND state = 1;
CREATE INDEX pack_unmirrored ON pack (pack_no) WHERE mirrored = 0 AND state = 1;
CREATE INDEX pack_due ON pack (state, next_action_at) WHERE next_action_at IS NOT NULL;

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
CREATE INDEX pack_copy_scrub ON pack_copy (medium_no, state, verified_at);
CREATE INDEX pack_copy_releasing ON pack_copy (state, pack_no) WHERE state = 3;

-- A pack that is being written anew without its destroyed members: the row is the state.
CREATE TABLE rewrite (
  pack_no INTEGER PRIMARY KEY REFERENCES pack,
  new_pack_id BLOB NOT NULL UNIQUE CHECK (length(new_pack_id) = 16),
  begun_at INTEGER NOT NULL,
  written INTEGER NOT NULL DEFAULT 0,  -- 1: the new one may lie on a medium
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL,
  error TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX rewrite_ready ON rewrite (not_before);

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
CREATE INDEX copy_pack ON copy (pack_no, medium_no, recording_no, part) WHERE pack_no IS NOT NULL;
CREATE INDEX copy_releasing ON copy (state, recording_no) WHERE state = 3;
CREATE INDEX copy_scrub ON copy (medium_no, coalesce(verified_at, copied_at))
  WHERE pack_no IS NULL AND state IN (1, 2);

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
CREATE UNIQUE INDEX move_unfinished ON move (pack_no, to_no) WHERE state <> 5;
CREATE INDEX move_ready ON move (state, not_before) WHERE state <> 5;
CREATE INDEX move_current ON move (move_no) WHERE state <> 5;
CREATE INDEX move_pack ON move (pack_no);

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
CREATE UNIQUE INDEX restore_live ON restore (recording_no) WHERE state <= 2;
CREATE INDEX restore_queue ON restore (tier, workspace_no, priority, requested_at, not_before)
  WHERE state = 0;
CREATE INDEX restore_age ON restore (state, tier, requested_at, not_before) WHERE state <= 1;
CREATE INDEX restore_expiry ON restore (expires_at) WHERE state = 2;
CREATE INDEX restore_workspace ON restore (workspace_no, requested_at);
CREATE INDEX restore_workspace_state ON restore (workspace_no, state, requested_at);
CREATE INDEX restore_starter ON restore (started_by, requested_at);

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

CREATE TABLE recall_sample (
  sample_no INTEGER PRIMARY KEY,
  medium_no INTEGER NOT NULL REFERENCES medium,
  at INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  elapsed_ms INTEGER NOT NULL,
  attach_ms INTEGER NOT NULL,
  recordings INTEGER NOT NULL
) STRICT;
CREATE INDEX recall_sample_medium ON recall_sample (medium_no, sample_no);

CREATE TABLE matter (
  matter_id BLOB PRIMARY KEY CHECK (length(matter_id) = 16),
  workspace_no INTEGER NOT NULL REFERENCES workspace,
  name TEXT NOT NULL,
  note TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  holds INTEGER NOT NULL DEFAULT 0,
  UNIQUE (workspace_no, name)
) STRICT, WITHOUT ROWID;

-- Outlives the recording it was placed on, so it refers to it by value.
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
CREATE INDEX hold_recording ON hold (recording_id, placed_at, hold_id);
CREATE UNIQUE INDEX hold_unreleased ON hold (recording_no, matter_id) WHERE released_at IS NULL;
CREATE INDEX hold_matter ON hold (matter_id, placed_at, hold_id) WHERE released_at IS NULL;
CREATE INDEX hold_matter_recording ON hold (matter_id, recording_no) WHERE released_at IS NULL;

-- The words behind a hash in a line; an erased one has no text.
CREATE TABLE note (
  hash TEXT PRIMARY KEY,
  text TEXT,
  erased_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE tombstone (
  mark BLOB PRIMARY KEY CHECK (length(mark) = 32),
  recording_id BLOB NOT NULL CHECK (length(recording_id) = 16),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Where a recording was known before it moved to another workspace: nothing is taken there.
CREATE TABLE former_address (
  mark BLOB PRIMARY KEY CHECK (length(mark) = 32),
  recording_id BLOB NOT NULL CHECK (length(recording_id) = 16),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was decided against what media say of a recording, in order: later ones win.
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
CREATE INDEX quarantine_open ON quarantine (at) WHERE resolved_at IS NULL;
CREATE INDEX quarantine_due ON quarantine (not_before) WHERE resolved_at IS NULL;

-- A tree that a client is importing: what it has told of its progress. No line tells it.
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
CREATE INDEX import_workspace ON import (workspace_no, import_no);

CREATE TABLE webhook (
  webhook_no INTEGER PRIMARY KEY,
  workspace_no INTEGER NOT NULL REFERENCES workspace,
  url TEXT NOT NULL,
  events TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  disabled_at INTEGER
) STRICT;

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
CREATE INDEX outbox_ready ON outbox (workspace_no, not_before) WHERE parked_at IS NULL;
CREATE INDEX outbox_parked ON outbox (parked_at) WHERE parked_at IS NOT NULL;
CREATE INDEX outbox_recording ON outbox (recording_no) WHERE recording_no IS NOT NULL;
CREATE INDEX outbox_workspace ON outbox (workspace_no, message_no);

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

-- Counters of things that are few per state: open packs, moves, restores, workspaces.
CREATE TABLE counter (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES
  ('workspaces', 0), ('open_packs', 0), ('quarantined', 0), ('outbox', 0),
  ('parked', 0),
  ('move.0', 0), ('move.1', 0), ('move.2', 0), ('move.3', 0), ('move.4', 0), ('move.5', 0),
  ('move.6', 0), ('restore.0', 0), ('restore.1', 0), ('restore.2', 0), ('restore.3', 0),
  ('restore.4', 0), ('restore.5', 0), ('staged_bytes', 0);

INSERT INTO tally (workspace_no, tier) VALUES (0, 0), (0, 1), (0, 2);
-- No workspace: operators' keys and matters, and recordings that only the ledger knows.
INSERT INTO workspace (workspace_no, workspace_id, name, created_at)
  VALUES (0, zeroblob(16), '', 0);
)sql";

const std::string_view kSecrets1 = R"sql(
CREATE TABLE secrets.secret_setting (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE secrets.key_hash (
  hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
  key_id BLOB NOT NULL UNIQUE CHECK (length(key_id) = 16)
) STRICT, WITHOUT ROWID;
CREATE TABLE secrets.signing_key (
  workspace_id BLOB NOT NULL CHECK (length(workspace_id) = 16),
  kid INTEGER NOT NULL,
  secret BLOB NOT NULL CHECK (length(secret) = 32),
  created_at INTEGER NOT NULL,
  retired_at INTEGER,
  PRIMARY KEY (workspace_id, kid)
) STRICT, WITHOUT ROWID;
CREATE TABLE secrets.webhook_secret (
  workspace_id BLOB NOT NULL CHECK (length(workspace_id) = 16),
  number INTEGER NOT NULL,
  secret BLOB NOT NULL CHECK (length(secret) = 32),
  created_at INTEGER NOT NULL,
  signs_until INTEGER,  -- NULL: the one in force; the one before signs along for a while
  PRIMARY KEY (workspace_id, number)
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace holdfast::schema
