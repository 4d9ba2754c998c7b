// holdfast links: the signed links that are out there.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/words.h"

namespace holdfast::cli {
namespace {

class LinksCommand final : public Command {
 public:
  Lesson lesson() const override {
    return {"links",
            "List a workspace's live signed links, or revoke one",
            "Newest first; expired and revoked links are left out. --revoke takes effect with the\n"
            "next request through the link, whether it is listed or not.",
            {"holdfast links 3f2b8c1e-5d4a-4b6f-9c7e-8a1d2e3f4a5b",
             "holdfast links --revoke kyx3w5x3m4n6p2r7t5v3y6z4a2"}};
  }
  void declare(Arguments& arguments) override {
    arguments.positional("WORKSPACE", workspace_, "Its UUID; as --workspace when absent", false);
    arguments.option("--revoke", "JTI", revoke_, "Revoke this link; lists nothing");
    paging_.declare(arguments);
  }

  Status run(Session& session) override {
    std::string path;
    if (workspace_.empty()) {
      HOLDFAST_ASSIGN(of_session, session.workspace_path({"links"}));
      path = of_session;
    } else {
      HOLDFAST_TRY(check_workspace(workspace_));
      path = path_of({"v1", workspace_, "links"});
    }
    if (!revoke_.empty()) return revoke(session, path);
    Table table({{"LINK"},
                 {"CALL"},
                 {"FILE"},
                 {"MINTED (UTC)"},
                 {"EXPIRES (UTC)"},
                 {"BY"},
                 {"LAST USED (UTC)"}});
    return list(session, path, {}, paging_, std::move(table),
                [](const json::object& item, Table& rows) {
                  rows.add({text_of(item, "jti"), text_of(item, "call_sid"), text_of(item, "file"),
                            time_of(item, "minted_at"), time_of(item, "expires_at"),
                            text_of(item, "minted_by"), time_of(item, "used_at")});
                });
  }

 private:
  Status revoke(Session& session, const std::string& path) {
    auto answer = session.call("DELETE", path + path_of({revoke_}), {});
    if (!answer.ok()) return answer.error().within("revoke link " + revoke_);
    if (session.json()) return session.print_json(answer->response), Status();
    session.print(fmt::format("{}: revoked", printable(revoke_)));
    return {};
  }

  std::string workspace_;
  std::string revoke_;
  Paging paging_;
};

}  // namespace

std::unique_ptr<Command> links_command() { return std::make_unique<LinksCommand>(); }

}  // namespace holdfast::cli
