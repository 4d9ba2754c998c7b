// The TLS files of a configuration, looked at by who is not the daemon: --check-config, before a
// reload, and doctor.
#pragma once

#include <string>

#include "base/config.h"
#include "base/types.h"

namespace holdfast {

// credentials/ beside the configuration, from which systemd hands them out.
std::string credentials_directory(const Config& config);
// True for a file that systemd hands to the daemon: it is root's, and the daemon sees a copy.
bool is_credential(const Config& config, const std::string& path);

struct TlsCheck {
  Status status;
  std::string remark;  // what was not looked at, or will be refused by clients; empty: nothing
};
// Credentials that this user cannot see, as an ExecReload= cannot, are remarked: the daemon looks
// at them. So is a certificate that is not in force: whether it is a new one is known to the daemon
// alone.
TlsCheck check_tls_files(const Config& config, UnixMillis now);

}  // namespace holdfast
