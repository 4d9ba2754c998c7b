#include "index/rebuild/catalogue.h"

namespace holdfast {
namespace {

constexpr char kSchema[] = R"sql(
CREATE TABLE IF NOT EXISTS medium (
  medium_id BLOB PRIMARY KEY, tier INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
  place TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS walked (
  medium_id BLOB NOT NULL, unit TEXT NOT NULL, PRIMARY KEY (medium_id, unit)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS part (
  recording_id BLOB NOT NULL, part INTEGER NOT NULL, from_pack INTEGER NOT NULL,
  description TEXT NOT NULL, metadata BLOB, PRIMARY KEY (recording_id, part)
) STRICT;
CREATE TABLE IF NOT EXISTS plain (
  recording_id BLOB NOT NULL, part INTEGER NOT NULL, medium_id BLOB NOT NULL,
  place INTEGER NOT NULL, damage TEXT NOT NULL,
  PRIMARY KEY (recording_id, part, medium_id, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pack (
  pack_id BLOB PRIMARY KEY, size INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS member (
  pack_id BLOB NOT NULL, recording_id BLOB NOT NULL, part INTEGER NOT NULL,
  audio_offset INTEGER NOT NULL, audio_length INTEGER NOT NULL,
  metadata_offset INTEGER NOT NULL, metadata_length INTEGER NOT NULL,
  PRIMARY KEY (pack_id, recording_id, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS member_part ON member (recording_id, part);
CREATE TABLE IF NOT EXISTS pack_place (
  pack_id BLOB NOT NULL, medium_id BLOB NOT NULL, location TEXT NOT NULL,
  PRIMARY KEY (pack_id, medium_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS finding (
  kind TEXT NOT NULL, object TEXT NOT NULL, place TEXT NOT NULL, detail TEXT NOT NULL,
  PRIMARY KEY (kind, object, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS progress (
  name TEXT PRIMARY KEY, value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace

Result<Catalogue> Catalogue::open(const std::string& path) {
  HOLDFAST_ASSIGN(database, open_beside_index(path, kSchema));
  return Catalogue(std::move(database));
}

Status Catalogue::note(const ShownMedium& medium) {
  return database_
      .prepare(
          "INSERT INTO medium (medium_id, tier, kind, name, place) VALUES (?1, ?2, ?3, ?4, ?5) "
          "ON CONFLICT (medium_id) DO UPDATE SET name = excluded.name, place = excluded.place")
      .bind(medium.medium, medium.tier, medium.kind, medium.name, medium.place)
      .run();
}

Status Catalogue::note(const ShownPlain& plain) {
  return database_
      .prepare(
          "INSERT INTO plain (recording_id, part, medium_id, place, damage) "
          "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET damage = excluded.damage")
      .bind(plain.recording, plain.part, plain.medium, plain.where, plain.damage)
      .run();
}

Status Catalogue::note(const KeyOfPart& key, const ShownPart& part, bool from_pack) {
  Statement statement = database_.prepare(
      "INSERT INTO part (recording_id, part, from_pack, description, metadata) "
      "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (recording_id, part) DO UPDATE SET "
      "from_pack = excluded.from_pack, description = excluded.description, "
      "metadata = excluded.metadata WHERE excluded.from_pack > part.from_pack");
  statement.bind(key.recording, key.part, from_pack, part.description);
  if (part.metadata)
    statement.bind(as_bytes(*part.metadata));
  else
    statement.bind(std::nullopt);
  return statement.run();
}

Status Catalogue::note(const SealedPack& pack) {
  HOLDFAST_TRY(database_
                   .prepare("INSERT INTO pack (pack_id, size) VALUES (?1, ?2) "
                            "ON CONFLICT (pack_id) DO NOTHING")
                   .bind(pack.pack, pack.size)
                   .run());
  HOLDFAST_TRY(database_
                   .prepare("INSERT INTO pack_place (pack_id, medium_id, location) "
                            "VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET "
                            "location = excluded.location")
                   .bind(pack.pack, pack.medium, pack.location)
                   .run());
  for (const SealedMember& member : pack.members)
    HOLDFAST_TRY(database_
                     .prepare("INSERT INTO member (pack_id, recording_id, part, audio_offset, "
                              "audio_length, metadata_offset, metadata_length) "
                              "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING")
                     .bind(pack.pack, member.recording, member.part, member.audio.offset,
                           member.audio.length, member.metadata.offset, member.metadata.length)
                     .run());
  return Status();
}

Status Catalogue::note(const Finding& finding) {
  return database_
      .prepare(
          "INSERT INTO finding (kind, object, place, detail) VALUES (?1, ?2, ?3, ?4) "
          "ON CONFLICT DO UPDATE SET detail = excluded.detail")
      .bind(finding.kind, finding.object, finding.place, finding.detail)
      .run();
}

Status Catalogue::mark_walked(const MediumId& medium, const std::string& unit) {
  return database_
      .prepare("INSERT INTO walked (medium_id, unit) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
      .bind(medium, unit)
      .run();
}

Result<bool> Catalogue::is_walked(const MediumId& medium, const std::string& unit) {
  Statement statement =
      database_.prepare("SELECT 1 FROM walked WHERE medium_id = ?1 AND unit = ?2");
  statement.bind(medium, unit);
  return statement.step();
}

Result<std::vector<ShownMedium>> Catalogue::media() {
  std::vector<ShownMedium> out;
  Statement statement =
      database_.prepare("SELECT medium_id, tier, kind, name, place FROM medium ORDER BY tier");
  while (true) {
    HOLDFAST_ASSIGN(row, statement.step());
    if (!row) return out;
    ShownMedium medium;
    medium.medium = statement.next<MediumId>();
    medium.tier = statement.next<Tier>();
    medium.kind = statement.next<std::string>();
    medium.name = statement.next<std::string>();
    medium.place = statement.next<std::string>();
    out.push_back(std::move(medium));
  }
}

Result<std::optional<ShownPart>> Catalogue::find_part(const RecordingId& recording, int part) {
  Statement statement = database_.prepare(
      "SELECT description, metadata FROM part WHERE recording_id = ?1 AND part = ?2");
  statement.bind(recording, part);
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found) return std::optional<ShownPart>();
  ShownPart shown;
  shown.description = statement.column<std::string>(0);
  if (!statement.is_null(1)) shown.metadata = std::string(as_text(statement.blob(1)));
  return std::optional<ShownPart>(std::move(shown));
}

Result<bool> Catalogue::shows(const RecordingId& recording, int part) {
  Statement statement =
      database_.prepare("SELECT 1 FROM part WHERE recording_id = ?1 AND part = ?2");
  statement.bind(recording, part);
  return statement.step();
}

Result<std::optional<SealedPack>> Catalogue::find_pack(const PackId& pack, const MediumId& medium) {
  SealedPack out;
  out.pack = pack;
  out.medium = medium;
  Statement place = database_.prepare(
      "SELECT p.size, w.location FROM pack p JOIN pack_place w ON w.pack_id = p.pack_id "
      "WHERE p.pack_id = ?1 ORDER BY w.medium_id = ?2 DESC LIMIT 1");
  place.bind(pack, medium);
  HOLDFAST_ASSIGN(found, place.step());
  if (!found) return std::optional<SealedPack>();
  out.size = place.next<Bytes>();
  out.location = place.next<std::string>();
  Statement members = database_.prepare(
      "SELECT recording_id, part, audio_offset, audio_length, metadata_offset, metadata_length "
      "FROM member WHERE pack_id = ?1 ORDER BY metadata_offset");
  members.bind(pack);
  while (true) {
    HOLDFAST_ASSIGN(row, members.step());
    if (!row) return std::optional<SealedPack>(std::move(out));
    SealedMember member;
    member.recording = members.next<RecordingId>();
    member.part = members.next<int>();
    member.audio.offset = members.next<Bytes>();
    member.audio.length = members.next<Bytes>();
    member.metadata.offset = members.next<Bytes>();
    member.metadata.length = members.next<Bytes>();
    out.members.push_back(member);
  }
}

Result<Catalogue::Counts> Catalogue::counts() {
  Counts out;
  Statement statement = database_.prepare(
      "SELECT (SELECT count(*) FROM part), (SELECT count(*) FROM pack), "
      "(SELECT count(*) FROM finding)");
  HOLDFAST_ASSIGN(row, statement.step());
  if (!row) return out;
  out.parts = statement.next<int64_t>();
  out.packs = statement.next<int64_t>();
  out.findings = statement.next<int64_t>();
  return out;
}

Status Catalogue::each_finding(const std::function<Status(const Finding&)>& see) {
  Statement statement = database_.prepare(
      "SELECT kind, object, place, detail FROM finding ORDER BY kind, object, place");
  while (true) {
    HOLDFAST_ASSIGN(row, statement.step());
    if (!row) return Status();
    Finding finding;
    finding.kind = statement.next<std::string>();
    finding.object = statement.next<std::string>();
    finding.place = statement.next<std::string>();
    finding.detail = statement.next<std::string>();
    HOLDFAST_TRY(see(finding));
  }
}

Status Catalogue::set_progress(std::string_view name, std::string_view value) {
  return database_
      .prepare(
          "INSERT INTO progress (name, value) VALUES (?1, ?2) "
          "ON CONFLICT (name) DO UPDATE SET value = excluded.value")
      .bind(name, value)
      .run();
}

Result<std::optional<std::string>> Catalogue::progress(std::string_view name) {
  Statement statement = database_.prepare("SELECT value FROM progress WHERE name = ?1");
  statement.bind(name);
  HOLDFAST_ASSIGN(found, statement.step());
  if (!found) return std::optional<std::string>();
  return std::optional<std::string>(statement.next<std::string>());
}

}  // namespace holdfast
