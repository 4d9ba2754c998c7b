// Waiting for a restore, shared by get and restore.
#pragma once

#include <string>

#include "cli/session.h"

namespace holdfast::cli {

// "on cold, about 12 min, at most 3 h 5 min, place 2": what an answer about a restore says.
std::string restore_in_words(const json::object& restore);

// The restore's id in a 202 of the daemon; kIo when it has none.
Result<std::string> restore_id_of(const json::object& answer);

// Asks for the restore's state until it is staged. How far it is is told on standard error
// (cli/progress.h). kArchived when `timeout` is over (the restore goes on), kIo when it failed, was
// cancelled or has expired. The answer is the last one.
Result<Session::Answer> wait_for_restore(Session& session, const std::string& call,
                                         const std::string& restore_id, Millis timeout);

}  // namespace holdfast::cli
