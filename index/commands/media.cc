#include "index/commands/media.h"

#include <filesystem>

#include "index/read/status.h"
#include "index/rows.h"

namespace holdfast {
namespace {

Result<MediumRow> need_medium(Database& index, const MediumId& medium) {
  HOLDFAST_ASSIGN(row, find_medium(index, medium));
  if (!row) return Error{Code::kNotFound, "medium " + medium.text() + " is not registered"};
  return *std::move(row);
}

Result<MediumRow> registered(WriteTxn& txn, const MediumRow& medium, const std::string& who) {
  HOLDFAST_ASSIGN(known, find_medium(txn.index(), medium.medium));
  // A replay that had lost the registration made a stand-in, which has no kind.
  const bool is_stand_in = known && known->kind.empty();
  if (known && !is_stand_in && (known->tier != medium.tier || known->kind != medium.kind))
    return Error{Code::kConflict, "medium " + medium.medium.text() + " is registered as " +
                                      known->kind + " of tier " + std::string(word(known->tier))};
  if (known && !is_stand_in && known->name == medium.name) return *std::move(known);
  HOLDFAST_ASSIGN(note, txn.write_note(medium.name));
  LineDraft line;
  line.kind = decision::kMediumRegistered;
  line.who = who;
  line.on = medium.medium.text();
  line.weight = Weight::kNeutral;
  line.details["tier"] = word(medium.tier);
  line.details["kind"] = medium.kind;
  if (!note.empty()) line.details["name"] = note;
  HOLDFAST_TRY(txn.decide(std::move(line)));
  return need_medium(txn.index(), medium.medium);
}

}  // namespace

Command<MediumRow> register_medium(MediumRow medium, std::string who) {
  const auto apply = [medium = std::move(medium), who = std::move(who)](WriteTxn& txn) {
    return registered(txn, medium, who);
  };
  return {"register a medium", apply};
}

Command<void> place_medium(MediumId medium, std::string place, std::string who) {
  const auto apply = [medium, place = std::move(place),
                      who = std::move(who)](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(row, need_medium(txn.index(), medium));
    if (row.place == place) return Status();
    if (place.empty()) return Error{Code::kInvalid, "a medium's place is an absolute path"};
    HOLDFAST_ASSIGN(note, txn.write_note(place));
    LineDraft line;
    line.kind = decision::kMediumPlaced;
    line.who = who;
    line.on = medium.text();
    line.weight = Weight::kNeutral;
    line.details["place"] = note;
    return txn.decide(std::move(line));
  };
  return {"say where a medium belongs", apply};
}

std::string place_of(const std::string& path) {
  std::string place = std::filesystem::path(path).lexically_normal().string();
  while (place.size() > 1 && place.back() == '/') place.pop_back();
  return place;
}

Command<void> set_medium_state(MediumId medium, MediumState state, std::string who) {
  const auto apply = [medium, state, who = std::move(who)](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(row, need_medium(txn.index(), medium));
    if (row.state == state) return Status();
    const bool comes_and_goes =
        (row.state == MediumState::kOnline || row.state == MediumState::kOffline) &&
        (state == MediumState::kOnline || state == MediumState::kOffline);
    if (comes_and_goes)
      return rows::run(txn.index(), "UPDATE medium SET state = ?2 WHERE medium_id = ?1", medium,
                       state);
    LineDraft line;
    line.kind = decision::kMediumState;
    line.who = who;
    line.on = medium.text();
    line.weight = Weight::kNeutral;
    line.details["state"] = word(state);
    return txn.decide(std::move(line));
  };
  return {"set the state of a medium", apply};
}

Command<void> medium_checked(MediumId medium) {
  const auto apply = [medium](WriteTxn& txn) -> Status {
    return rows::run(txn.index(), "UPDATE medium SET checked_at = ?2 WHERE medium_id = ?1", medium,
                     txn.now());
  };
  return {"note that a label was seen", apply};
}

Command<void> add_recall_sample(MediumId medium, RecallSampleRow sample) {
  const auto apply = [medium, sample](WriteTxn& txn) -> Status {
    HOLDFAST_ASSIGN(medium_no, rows::need_medium_no(txn.index(), medium));
    HOLDFAST_TRY(rows::run(txn.index(),
                           "INSERT INTO recall_sample (medium_no, at, bytes, elapsed_ms, "
                           "attach_ms, recordings) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                           medium_no, sample.at, sample.bytes, sample.elapsed, sample.attach,
                           sample.recordings));
    return rows::run(txn.index(),
                     "DELETE FROM recall_sample WHERE medium_no = ?1 AND sample_no <= "
                     "(SELECT sample_no FROM recall_sample WHERE medium_no = ?1 "
                     "ORDER BY sample_no DESC LIMIT 1 OFFSET ?2)",
                     medium_no, limits::kRecallSamplesKept);
  };
  return {"keep a recall sample", apply};
}

}  // namespace holdfast
