#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace holdfast {

const CodeTraits& traits(Code code) {
  // word, HTTP status, errno, exit code, retryable. Exit codes 0 to 2 are
  // success, a failure of the tool itself, and wrong usage.
  static constexpr CodeTraits kTable[] = {
      {"invalid", 422, EINVAL, 3, false},
      {"unauthenticated", 401, EACCES, 4, false},
      {"forbidden", 403, EACCES, 5, false},
      {"not-found", 404, ENOENT, 6, false},
      {"conflict", 409, EBUSY, 7, false},
      {"locked", 409, EPERM, 8, false},
      {"archived", 202, EREMOTEIO, 9, true},
      {"too-large", 413, EFBIG, 10, false},
      {"exhausted", 429, EAGAIN, 11, true},
      {"no-space", 507, ENOSPC, 12, true},
      {"unavailable", 503, EAGAIN, 13, true},
      {"corrupt", 500, EIO, 14, false},
      {"io", 500, EIO, 15, true},
  };
  return kTable[static_cast<int>(code)];
}

Error Error::within(std::string_view context) const {
  return Error{code, std::string(context) + ": " + message, system_errno};
}

bool is_passing(const Error& error) {
  const int number = error.system_errno;
  return error.code == Code::kUnavailable || error.code == Code::kNoSpace || number == EMFILE ||
         number == ENFILE || number == ENOMEM;
}

Error system_error(int error_number, std::string_view what) {
  Code code = Code::kIo;
  if (error_number == ENOSPC || error_number == EDQUOT) code = Code::kNoSpace;
  if (error_number == ENOENT) code = Code::kNotFound;
  return Error{code, std::string(what) + ": " + std::strerror(error_number), error_number};
}

}  // namespace holdfast
