// The commands, one file each.
#pragma once

#include "cli/command.h"

namespace holdfast::cli {

std::unique_ptr<Command> status_command();
std::unique_ptr<Command> doctor_command();
std::unique_ptr<Command> put_command();
std::unique_ptr<Command> import_command();
std::unique_ptr<Command> ls_command();
std::unique_ptr<Command> show_command();
std::unique_ptr<Command> get_command();
std::unique_ptr<Command> restore_command();
std::unique_ptr<Command> moves_command();
std::unique_ptr<Command> plan_command();
std::unique_ptr<Command> relabel_command();
std::unique_ptr<Command> hold_command();
std::unique_ptr<Command> release_command();
std::unique_ptr<Command> rm_command();
std::unique_ptr<Command> retention_list_command();
std::unique_ptr<Command> retention_set_command();
std::unique_ptr<Command> retention_default_command();
std::unique_ptr<Command> retention_assign_command();
std::unique_ptr<Command> expire_command();
std::unique_ptr<Command> clock_command();
std::unique_ptr<Command> audit_command();
std::unique_ptr<Command> medium_list_command();
std::unique_ptr<Command> medium_init_command();
std::unique_ptr<Command> medium_place_command();
std::unique_ptr<Command> key_create_command();
std::unique_ptr<Command> key_list_command();
std::unique_ptr<Command> key_revoke_command();
std::unique_ptr<Command> key_rotate_links_command();
std::unique_ptr<Command> links_command();
std::unique_ptr<Command> callbacks_command();
std::unique_ptr<Command> workspace_add_command();
std::unique_ptr<Command> workspace_list_command();
std::unique_ptr<Command> workspace_show_command();
std::unique_ptr<Command> workspace_set_command();
std::unique_ptr<Command> mount_command();
std::unique_ptr<Command> backup_command();
std::unique_ptr<Command> rebuild_command();
std::unique_ptr<Command> verify_command();

}  // namespace holdfast::cli
