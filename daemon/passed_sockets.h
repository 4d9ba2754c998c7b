// Sockets that the service manager bound for us (sd_listen_fds(3)): a port below 1024 without a
// capability, and a restart that no client notices, since they wait in the kernel's queue
// meanwhile. Those named "http" (FileDescriptorName= of holdfastd.socket) take the place of
// http.listen_address and http.listen_port.
#pragma once

#include <vector>

#include "daemon/http/socket.h"

namespace holdfast {

// Empty: none was passed. kInvalid for one that is no listening TCP socket or has another name: who
// configured it expects something that will not happen. Takes them out of the environment: once.
Result<std::vector<http::BoundTcp>> passed_sockets();

}  // namespace holdfast
