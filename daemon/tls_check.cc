#include "daemon/tls_check.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "daemon/http/tls_context.h"

namespace holdfast {

std::string credentials_directory(const Config& config) {
  return (std::filesystem::path(config.source_path).parent_path() / "credentials").string();
}

bool is_credential(const Config& config, const std::string& path) {
  const char* given = std::getenv("CREDENTIALS_DIRECTORY");
  return path.starts_with(credentials_directory(config) + "/") ||
         (given != nullptr && path.starts_with(std::string(given) + "/"));
}

TlsCheck check_tls_files(const Config& config, UnixMillis now) {
  if (!config.tls.is_on()) return {};
  for (const std::string& path : {config.tls.certificate, config.tls.key, config.tls.client_ca})
    if (is_credential(config, path) && ::access(path.c_str(), R_OK) != 0)
      return {{}, path + " is not looked at here: systemd shows credentials to the daemon alone"};
  const auto tls = http::TlsContext::load(config.tls, std::nullopt);
  if (!tls.ok()) return {tls.error(), ""};
  const Status in_force = check_in_force((*tls)->facts(), config.tls.certificate, now);
  return {{}, in_force.ok() ? "" : in_force.error().message};
}

}  // namespace holdfast
