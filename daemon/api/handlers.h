// The handlers that the route table names; each file of daemon/api/ has those of
// one resource.
#pragma once

#include <vector>

#include "daemon/api/call.h"

namespace holdfast::api {

// recordings.cc
void list_recordings_call(CallPtr call);
void show_recording(CallPtr call);
void recording_urls(CallPtr call);
void recording_metadata(CallPtr call);
void delete_recording(CallPtr call);
// relabel.cc
void relabel_recording(CallPtr call);
// download.cc
void download(CallPtr call);
// upload.cc
void upload(CallPtr call);
// restores.cc
void request_restore_call(CallPtr call);
void show_restore(CallPtr call);
// bulk_restores.cc
void request_restores_call(CallPtr call);
void restore_events_call(CallPtr call);
void list_restores_call(CallPtr call);
void cancel_restore(CallPtr call);
// imports.cc
void add_import_call(CallPtr call);
void change_import_call(CallPtr call);
void show_import(CallPtr call);
void list_imports_call(CallPtr call);
void import_events_call(CallPtr call);
void usage_call(CallPtr call);
// holds.cc
void place_hold_call(CallPtr call);
void list_recording_holds(CallPtr call);
void list_holds_call(CallPtr call);
void release_hold_call(CallPtr call);
// retention.cc
void list_retention_classes_call(CallPtr call);
void set_retention_class_call(CallPtr call);
void set_retention_default_call(CallPtr call);
void drop_retention_default_call(CallPtr call);
void set_retention_call(CallPtr call);
void drop_retention_call(CallPtr call);
// expiry.cc
void show_clock_call(CallPtr call);
void accept_clock_call(CallPtr call);
void show_expiry_call(CallPtr call);
void accept_expiry_call(CallPtr call);
// keys.cc
void create_key(CallPtr call);
void list_keys(CallPtr call);
void revoke_key(CallPtr call);
void add_workspace_call(CallPtr call);
void list_workspaces_call(CallPtr call);
// callbacks.cc
void list_callbacks_call(CallPtr call);
void retry_callbacks_call(CallPtr call);
void drop_callbacks_call(CallPtr call);
void show_webhook_secret_call(CallPtr call);
void rotate_webhook_secret_call(CallPtr call);
// link_listing.cc
void list_links_call(CallPtr call);
void revoke_link_call(CallPtr call);
void change_workspace_call(CallPtr call);
// operations.cc
void liveness(CallPtr call);
void readiness(CallPtr call);
void status_call(CallPtr call);
void metrics_call(CallPtr call);
void list_moves_call(CallPtr call);
void run_moves(CallPtr call);
void retry_move_call(CallPtr call);
void retry_moves_call(CallPtr call);
void pause_moves_call(CallPtr call);
void resume_moves_call(CallPtr call);
void plan_call(CallPtr call);
// media.cc
void list_media_call(CallPtr call);
void init_medium(CallPtr call);
void place_medium_call(CallPtr call);
// audit.cc
void audit_lines(CallPtr call);
void audit_check(CallPtr call);
// backup.cc
void show_backups_call(CallPtr call);
void run_backup_call(CallPtr call);
void release_recovery_call(CallPtr call);
// verifications.cc
void request_verification_call(CallPtr call);
void show_verification_call(CallPtr call);
void list_verifications_call(CallPtr call);
void list_quarantine_call(CallPtr call);
// mount.cc
void mount_open(CallPtr call);
void mount_changes(CallPtr call);
// openapi.cc
void openapi_document(CallPtr call);

}  // namespace holdfast::api
