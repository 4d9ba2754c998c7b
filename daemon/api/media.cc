// Media: what is seen of them, labelling a new one, and saying where one belongs.
#include "index/commands/media.h"
#include "base/time_text.h"
#include "daemon/api/handlers.h"
#include "daemon/api/views.h"
#include "daemon/work/medium_sight.h"
#include "index/read/status.h"
#include "tiers/label.h"

namespace holdfast::api {
namespace {

struct NewMedium {
  MediumRow row;
  std::string path;
  bool replace = false;  // whatever belonged at the path no longer does
};

Result<std::string> parse_path(const json::object& body) {
  Result<std::string> path = need_string(body, "path");
  if (path.ok() && !path->starts_with('/'))
    return Error{Code::kInvalid, "\"path\" must be absolute"};
  return path;
}

Result<NewMedium> parse_medium(Random& random, const json::object& body) {
  NewMedium medium;
  HOLDFAST_ASSIGN(kind, need_string(body, "kind"));
  HOLDFAST_ASSIGN(tier, need_string(body, "tier"));
  HOLDFAST_ASSIGN(name, need_string(body, "name"));
  HOLDFAST_ASSIGN(path, parse_path(body));
  HOLDFAST_ASSIGN(value, tier_from(tier));
  if (kind != "disk" && kind != "pack" && kind != "vault")
    return Error{Code::kInvalid, "\"kind\" must be disk, pack or vault"};
  if (name.empty() || name.size() > 64)
    return Error{Code::kInvalid, "\"name\" must have 1 to 64 bytes"};
  if (const json::value* replace = body.if_contains("replace"); replace != nullptr) {
    if (!replace->is_bool()) return Error{Code::kInvalid, "\"replace\" must be true or false"};
    medium.replace = replace->get_bool();
  }
  medium.row.medium = random.id<MediumId>();
  medium.row.kind = kind;
  medium.row.tier = value;
  medium.row.name = name;
  medium.path = path;
  return medium;
}

// An unmounted disk leaves an empty directory where it belongs: that is not a new medium.
Status refuse_taken_place(const Archive& archive, const NewMedium& medium) {
  if (medium.replace) return {};
  HOLDFAST_ASSIGN(index, archive.index.take());
  HOLDFAST_ASSIGN(owner, find_medium_at(*index, place_of(medium.path)));
  if (!owner) return {};
  return Error{Code::kConflict, "label " + medium.path + ": " + medium_text(*owner) +
                                    " belongs there; is it mounted? A new medium takes its place "
                                    "with \"replace\""};
}

Result<MediumRow> make_medium(Io& io, const Archive& archive, const NewMedium& medium,
                              const std::string& who) {
  HOLDFAST_TRY(refuse_taken_place(archive, medium));
  const MediumRow& row = medium.row;
  HOLDFAST_TRY(init_label(io, medium.path,
                          Label{archive.id, row.medium, row.name, row.kind, archive.clock.now()}));
  HOLDFAST_ASSIGN(made, archive.writer.call(register_medium(row, who)));
  HOLDFAST_TRY(archive.writer.call(place_medium(row.medium, place_of(medium.path), who)));
  return made;
}

Result<MediumRow> move_medium(Io& io, const Archive& archive, const MediumId& medium,
                              const std::string& path, const std::string& who) {
  MediumRow row;
  {
    HOLDFAST_ASSIGN(index, archive.index.take());
    HOLDFAST_ASSIGN(found, find_medium(*index, medium));
    if (!found) return Error{Code::kNotFound, "there is no medium " + medium.text()};
    row = *std::move(found);
  }
  const MediumSight sight = look_at_medium(io, path, ExpectedMedium{archive.id, row});
  if (!sight.is_online())
    return Error{Code::kConflict, "place a medium at " + path + ": " + sight.problem};
  HOLDFAST_TRY(archive.writer.call(place_medium(medium, place_of(path), who)));
  return row;
}

void answer_medium(const CallPtr& call, int status, const Result<MediumRow>& row,
                   const std::string& path) {
  if (!row.ok()) return call->fail(row.error());
  call->answer(status, json::object{{"medium_id", row->medium.text()},
                                    {"name", row->name},
                                    {"kind", row->kind},
                                    {"tier", word(row->tier)},
                                    {"path", path}});
}

// Of the medium that its tier works with: since when it is let alone, and when it is probed.
json::value suspension_view(const Gate& gate, const SeenMedium& medium) {
  if (!medium.is_own || medium.is_mirror || medium.row.tier == Tier::kStandard) return nullptr;
  const auto suspension = gate.health(medium.row.tier).suspension();
  if (!suspension) return nullptr;
  return json::object{{"since", to_iso(suspension->since)},
                      {"error", suspension->error},
                      {"next_probe_at", to_iso(suspension->next_probe_at)}};
}

}  // namespace

void list_media_call(CallPtr call) {
  using Media = std::vector<SeenMedium>;
  with_worker<Media>(
      call, [archive = call->services.archive](Io& io) { return look_at_media(io, archive); },
      [](const CallPtr& done, Result<Media> media) {
        if (!media.ok()) return done->fail(media.error());
        json::array items;
        for (const SeenMedium& medium : *media) {
          json::object view{{"medium_id", medium.row.medium.text()},
                            {"name", medium.row.name},
                            {"kind", medium.row.kind},
                            {"tier", word(medium.row.tier)},
                            {"path", nullptr},
                            {"in_use", medium.is_own},
                            {"state", word(medium.state())},
                            {"problem", nullptr},
                            {"registered_at", to_iso(medium.row.registered_at)}};
          if (!medium.path.empty()) view["path"] = medium.path;
          if (!medium.sight.is_online()) view["problem"] = medium.sight.problem;
          view["suspended"] = suspension_view(done->services.archive.gate, medium);
          add_space(view, medium.sight);
          items.push_back(std::move(view));
        }
        done->answer(200, json::object{{"items", std::move(items)}});
      });
}

// Labels an existing directory for this archive: `holdfast medium init`.
void init_medium(CallPtr call) {
  with_json_body(std::move(call), [](const CallPtr& caller, const json::object& body) {
    const Archive& archive = caller->services.archive;
    auto medium = parse_medium(archive.random, body);
    if (!medium.ok()) return caller->fail(medium.error());
    with_worker<MediumRow>(
        caller,
        [archive, medium = *medium, who = caller->actor.who](Io& io) {
          return make_medium(io, archive, medium, who);
        },
        [path = medium->path](const CallPtr& done, const Result<MediumRow>& made) {
          answer_medium(done, 201, made, path);
        });
  });
}

// Says where a labelled medium belongs: `holdfast medium place`.
void place_medium_call(CallPtr call) {
  const Result<MediumId> id = MediumId::from_text(call->named("medium_id"));
  with_json_body(std::move(call), [id](const CallPtr& caller, const json::object& body) {
    auto path = parse_path(body);
    if (!path.ok()) return caller->fail(path.error());
    with_worker<MediumRow>(
        caller,
        [archive = caller->services.archive, id = *id, path = *path,
         who = caller->actor.who](Io& io) { return move_medium(io, archive, id, path, who); },
        [path = *path](const CallPtr& done, const Result<MediumRow>& placed) {
          answer_medium(done, 200, placed, path);
        });
  });
}

}  // namespace holdfast::api
