#include "cli/commands.h"

namespace holdfast::cli {

Commands all_commands() {
  Commands commands;
  commands.push_back(status_command());
  commands.push_back(doctor_command());
  commands.push_back(put_command());
  commands.push_back(import_command());
  commands.push_back(ls_command());
  commands.push_back(show_command());
  commands.push_back(get_command());
  commands.push_back(restore_command());
  commands.push_back(moves_command());
  commands.push_back(plan_command());
  commands.push_back(relabel_command());
  commands.push_back(hold_command());
  commands.push_back(release_command());
  commands.push_back(rm_command());
  commands.push_back(retention_list_command());
  commands.push_back(retention_set_command());
  commands.push_back(retention_default_command());
  commands.push_back(retention_assign_command());
  commands.push_back(expire_command());
  commands.push_back(clock_command());
  commands.push_back(audit_command());
  commands.push_back(medium_list_command());
  commands.push_back(medium_init_command());
  commands.push_back(medium_place_command());
  commands.push_back(key_create_command());
  commands.push_back(key_list_command());
  commands.push_back(key_revoke_command());
  commands.push_back(key_rotate_links_command());
  commands.push_back(links_command());
  commands.push_back(callbacks_command());
  commands.push_back(workspace_add_command());
  commands.push_back(workspace_list_command());
  commands.push_back(workspace_show_command());
  commands.push_back(workspace_set_command());
  commands.push_back(mount_command());
  commands.push_back(verify_command());
  commands.push_back(backup_command());
  commands.push_back(rebuild_command());
  return commands;
}

std::string_view group_summary(std::string_view group) {
  if (group == "medium")
    return "Places where copies lie: list them, label a new one, say where one belongs";
  if (group == "key")
    return "API keys of a workspace: create, list, revoke; and the key that signs its links";
  if (group == "retention")
    return "How long recordings must be kept: classes, defaults, and what one is given";
  return "Workspaces (tenants): add one, list them, change one";
}

}  // namespace holdfast::cli
