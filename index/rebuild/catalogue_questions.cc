// What the media show, held against the rows of the new index. The catalogue is `main`, the index
// `idx`; only single statements write, since BEGIN IMMEDIATE would lock the index, too.
#include "index/rebuild/catalogue.h"

namespace holdfast {
namespace {

// A copy that counts on a medium that is not lost.
constexpr char kCounts[] =
    "(c.state = 2 OR (c.state = 1 AND c.original = 1)) AND "
    "(SELECT state FROM idx.medium n WHERE n.medium_no = c.medium_no) <> 3";

}  // namespace

Status Catalogue::attach_index(const std::string& path) {
  HOLDFAST_TRY(database_.prepare("ATTACH DATABASE ?1 AS idx").bind(path).run());
  return database_.execute(
      "CREATE TABLE IF NOT EXISTS gone (recording_id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID; "
      "INSERT OR IGNORE INTO gone SELECT t.recording_id FROM idx.tombstone t "
      "WHERE NOT EXISTS (SELECT 1 FROM idx.recording r WHERE r.recording_id = t.recording_id)");
}

Result<std::vector<KeyOfPart>> Catalogue::unknown_parts(const KeyOfPart& after, size_t limit) {
  std::vector<KeyOfPart> out;
  Statement statement = database_.prepare(
      "SELECT s.recording_id, s.part FROM part s "
      "WHERE (s.recording_id, s.part) > (?1, ?2) AND NOT EXISTS "
      "(SELECT 1 FROM idx.recording r JOIN idx.part p ON p.recording_no = r.recording_no "
      "WHERE r.recording_id = s.recording_id AND p.part = s.part) "
      "AND NOT EXISTS (SELECT 1 FROM gone g WHERE g.recording_id = s.recording_id) "
      "AND (EXISTS (SELECT 1 FROM plain n WHERE n.recording_id = s.recording_id "
      "AND n.part = s.part AND n.place <> 1) OR EXISTS (SELECT 1 FROM member m "
      "WHERE m.recording_id = s.recording_id AND m.part = s.part)) "
      "ORDER BY s.recording_id, s.part LIMIT ?3");
  statement.bind(after.recording, after.part, static_cast<int64_t>(limit));
  while (true) {
    HOLDFAST_ASSIGN(row, statement.step());
    if (!row) return out;
    KeyOfPart key;
    key.recording = statement.next<RecordingId>();
    key.part = statement.next<int>();
    out.push_back(key);
  }
}

Result<bool> Catalogue::stands_plain(const KeyOfPart& key, const MediumId& medium) {
  Statement statement = database_.prepare(
      "SELECT 1 FROM plain WHERE recording_id = ?1 AND part = ?2 AND medium_id = ?3 "
      "AND place <> 1 AND damage = ''");
  statement.bind(key.recording, key.part, medium);
  return statement.step();
}

Result<std::vector<PackId>> Catalogue::unknown_packs(const PackId& after, bool needed,
                                                     size_t limit) {
  static const std::string sql =
      std::string(
          "SELECT s.pack_id FROM pack s WHERE s.pack_id > ?1 "
          "AND NOT EXISTS (SELECT 1 FROM idx.pack p WHERE p.pack_id = s.pack_id AND p.state <> 0) "
          "AND (NOT ?2 OR EXISTS (SELECT 1 FROM member m "
          "JOIN idx.recording r ON r.recording_id = m.recording_id "
          "WHERE m.pack_id = s.pack_id AND r.state <> 3 "
          "AND NOT EXISTS (SELECT 1 FROM idx.copy c WHERE c.recording_no = r.recording_no "
          "AND c.part = m.part AND ") +
      kCounts + "))) ORDER BY s.pack_id LIMIT ?3";
  std::vector<PackId> out;
  Statement statement = database_.prepare(sql);
  statement.bind(after, needed, static_cast<int64_t>(limit));
  while (true) {
    HOLDFAST_ASSIGN(row, statement.step());
    if (!row) return out;
    out.push_back(statement.next<PackId>());
  }
}

Result<std::vector<std::pair<MediumId, std::string>>> Catalogue::places_of(const PackId& pack) {
  std::vector<std::pair<MediumId, std::string>> out;
  Statement statement = database_.prepare(
      "SELECT w.medium_id, w.location FROM pack_place w "
      "JOIN medium m ON m.medium_id = w.medium_id WHERE w.pack_id = ?1 ORDER BY m.tier");
  statement.bind(pack);
  while (true) {
    HOLDFAST_ASSIGN(row, statement.step());
    if (!row) return out;
    const auto medium = statement.next<MediumId>();
    out.emplace_back(medium, statement.next<std::string>());
  }
}

Result<std::vector<Catalogue::MissingPlain>> Catalogue::missing_plain(RecordingNo after,
                                                                      size_t limit) {
  std::vector<MissingPlain> out;
  Statement statement = database_.prepare(
      "SELECT c.recording_no, r.recording_id, c.part, m.medium_id, "
      "coalesce((SELECT n.damage FROM plain n WHERE n.recording_id = r.recording_id "
      "AND n.part = c.part AND n.medium_id = m.medium_id AND n.damage <> '' LIMIT 1), '') "
      "FROM idx.copy c JOIN idx.recording r ON r.recording_no = c.recording_no "
      "JOIN idx.medium m ON m.medium_no = c.medium_no "
      "WHERE c.recording_no > ?1 AND c.pack_no IS NULL AND c.state IN (1, 2) AND r.state <> 3 "
      "AND m.medium_id IN (SELECT medium_id FROM medium) "
      "AND NOT EXISTS (SELECT 1 FROM plain n WHERE n.recording_id = r.recording_id "
      "AND n.part = c.part AND n.medium_id = m.medium_id AND n.damage = '') "
      "ORDER BY c.recording_no LIMIT ?2");
  statement.bind(after, static_cast<int64_t>(limit));
  while (true) {
    HOLDFAST_ASSIGN(row, statement.step());
    if (!row) return out;
    MissingPlain missing;
    missing.recording_no = statement.next<RecordingNo>();
    missing.recording = statement.next<RecordingId>();
    missing.part = statement.next<int>();
    missing.medium = statement.next<MediumId>();
    missing.damage = statement.next<std::string>();
    out.push_back(std::move(missing));
  }
}

Result<std::vector<Catalogue::MissingPack>> Catalogue::missing_packs(size_t limit) {
  std::vector<MissingPack> out;
  Statement statement = database_.prepare(
      "SELECT p.pack_id, m.medium_id FROM idx.pack_copy c "
      "JOIN idx.pack p ON p.pack_no = c.pack_no JOIN idx.medium m ON m.medium_no = c.medium_no "
      "WHERE c.state IN (1, 2) AND m.medium_id IN (SELECT medium_id FROM medium) "
      "AND NOT EXISTS (SELECT 1 FROM pack_place w WHERE w.pack_id = p.pack_id "
      "AND w.medium_id = m.medium_id) LIMIT ?1");
  statement.bind(static_cast<int64_t>(limit));
  while (true) {
    HOLDFAST_ASSIGN(row, statement.step());
    if (!row) return out;
    MissingPack missing;
    missing.pack = statement.next<PackId>();
    missing.medium = statement.next<MediumId>();
    out.push_back(missing);
  }
}

Result<std::vector<RecordingNo>> Catalogue::unseen_destructions(RecordingNo after, size_t limit) {
  std::vector<RecordingNo> out;
  Statement statement = database_.prepare(
      "SELECT r.recording_no FROM idx.tombstone t "
      "JOIN idx.recording r ON r.recording_id = t.recording_id "
      "WHERE r.state = 4 AND r.recording_no > ?1 "
      "AND NOT EXISTS (SELECT 1 FROM plain n WHERE n.recording_id = r.recording_id) "
      "AND NOT EXISTS (SELECT 1 FROM member m WHERE m.recording_id = r.recording_id) "
      "AND NOT EXISTS (SELECT 1 FROM idx.medium m WHERE m.state NOT IN (3, 4) "
      "AND m.medium_id NOT IN (SELECT medium_id FROM medium)) "
      "AND NOT EXISTS (SELECT 1 FROM finding WHERE kind IN "
      "('unreadable-pack', 'unreadable-description', 'misplaced', 'foreign')) "
      "ORDER BY r.recording_no LIMIT ?2");
  statement.bind(after, static_cast<int64_t>(limit));
  while (true) {
    HOLDFAST_ASSIGN(row, statement.step());
    if (!row) return out;
    out.push_back(statement.next<RecordingNo>());
  }
}

Result<int64_t> Catalogue::count_tombstones() {
  Statement statement = database_.prepare("SELECT count(*) FROM gone");
  HOLDFAST_ASSIGN(row, statement.step());
  return row ? statement.next<int64_t>() : 0;
}

Status Catalogue::each_marked_call(const std::function<Status(const MarkedCall&)>& see) {
  // Destroyed calls whose description a medium still shows, and calls that moved to another
  // workspace. The call's id of the former stands in recording.json alone.
  Statement moved = database_.prepare(
      "SELECT DISTINCT r.recording_id, w.workspace_id, r.call_sid, l.at FROM idx.relabel l "
      "JOIN idx.recording r ON r.recording_no = l.recording_no "
      "JOIN idx.workspace w ON w.workspace_no = l.from_no "
      "WHERE l.from_no <> l.to_no AND r.call_sid IS NOT NULL");
  while (true) {
    HOLDFAST_ASSIGN(row, moved.step());
    if (!row) break;
    MarkedCall call;
    call.recording = moved.next<RecordingId>();
    call.workspace = moved.next<WorkspaceId>();
    call.call_sid = moved.next<std::string>();
    call.at = moved.next<UnixMillis>();
    HOLDFAST_TRY(see(call));
  }
  Statement gone = database_.prepare(
      "SELECT s.recording_id, s.description, t.at FROM idx.tombstone t "
      "JOIN part s ON s.recording_id = t.recording_id AND s.part = 1");
  while (true) {
    HOLDFAST_ASSIGN(row, gone.step());
    if (!row) return Status();
    MarkedCall call;
    call.recording = gone.next<RecordingId>();
    const Result<json::value> description = parse_json(gone.next<std::string>());
    call.at = gone.next<UnixMillis>();
    call.destroyed = true;
    if (!description.ok() || !description->is_object()) continue;
    const auto workspace = find_string(description->get_object(), "workspace");
    const auto call_sid = find_string(description->get_object(), "call_sid");
    if (!workspace.ok() || !*workspace || !call_sid.ok() || !*call_sid) continue;
    const Result<WorkspaceId> id = WorkspaceId::from_text(**workspace);
    if (!id.ok()) continue;
    call.workspace = *id;
    call.call_sid = **call_sid;
    HOLDFAST_TRY(see(call));
  }
}

// Ids are told in base32, which SQL does not know: the rows are walked here.
Status Catalogue::note_leftovers() {
  {
    Statement lost = database_.prepare(
        "SELECT r.recording_id, r.recording_no, p.part, p.bytes FROM idx.recording r "
        "JOIN idx.part p ON p.recording_no = r.recording_no WHERE r.state = 4 "
        "ORDER BY r.recording_no");
    while (true) {
      HOLDFAST_ASSIGN(row, lost.step());
      if (!row) break;
      const auto recording = lost.next<RecordingId>();
      const auto number = lost.next<int64_t>();
      const auto part = lost.next<int>();
      const auto bytes = lost.next<int64_t>();
      HOLDFAST_TRY(note(
          Finding{"unlocated", recording.text() + "." + std::to_string(part), "",
                  "number " + std::to_string(number) + ", " + std::to_string(bytes) +
                      " bytes: the ledger speaks of it and no medium that was read shows it"}));
    }
  }
  {
    Statement lost = database_.prepare(
        "SELECT r.recording_id, p.part, p.bytes FROM idx.recording r "
        "JOIN idx.part p ON p.recording_no = r.recording_no "
        "WHERE r.state NOT IN (3, 4) AND NOT EXISTS (SELECT 1 FROM idx.copy c "
        "WHERE c.recording_no = p.recording_no AND c.part = p.part AND c.state IN (1, 2))");
    while (true) {
      HOLDFAST_ASSIGN(row, lost.step());
      if (!row) break;
      const auto recording = lost.next<RecordingId>();
      const auto part = lost.next<int>();
      const auto bytes = lost.next<int64_t>();
      HOLDFAST_TRY(note(Finding{"without-copy", recording.text() + "." + std::to_string(part), "",
                                std::to_string(bytes) + " bytes: no good copy of this part"}));
    }
  }
  Statement packs = database_.prepare(
      "SELECT w.pack_id, w.location, m.name FROM pack_place w "
      "JOIN medium m ON m.medium_id = w.medium_id WHERE NOT EXISTS "
      "(SELECT 1 FROM idx.pack p JOIN idx.pack_copy c ON c.pack_no = p.pack_no "
      "JOIN idx.medium n ON n.medium_no = c.medium_no "
      "WHERE p.pack_id = w.pack_id AND n.medium_id = w.medium_id)");
  while (true) {
    HOLDFAST_ASSIGN(row, packs.step());
    if (!row) break;
    const auto pack = packs.next<PackId>();
    const auto location = packs.next<std::string>();
    const auto name = packs.next<std::string>();
    HOLDFAST_TRY(note(Finding{"pack-without-row", pack.text(), name + ":" + location,
                              "complete, and nothing needs it: it is left where it lies"}));
  }
  Statement gone = database_.prepare(
      "SELECT n.recording_id, n.part, m.name FROM plain n JOIN gone g "
      "ON g.recording_id = n.recording_id JOIN medium m ON m.medium_id = n.medium_id");
  while (true) {
    HOLDFAST_ASSIGN(row, gone.step());
    if (!row) return Status();
    const auto recording = gone.next<RecordingId>();
    const auto part = gone.next<int>();
    HOLDFAST_TRY(note(Finding{"destroyed", recording.text() + "." + std::to_string(part),
                              gone.next<std::string>(),
                              "files of a recording that was destroyed: left where they lie"}));
  }
}

}  // namespace holdfast
