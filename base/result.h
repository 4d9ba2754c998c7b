// Result<T> and Error: how every operation of Holdfast reports that the world
// did not agree. Our code does not throw; a library that throws is caught at
// the call. Assert for bugs, Result for the world.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace holdfast {

// Every failure is one of these. `base/result.cc` holds the one table that maps
// a code to its HTTP status, errno, exit code and whether a retry may help.
enum class Code {
  kInvalid,          // the request or file is malformed; says what would be right
  kUnauthenticated,  // no credential, or one we do not know
  kForbidden,        // a known credential that may not do this
  kNotFound,         // no such object, or another workspace's
  kConflict,         // the object exists in a state that forbids this
  kLocked,           // a hold or retention forbids this
  kArchived,         // the bytes are on warm or cold only
  kTooLarge,         // over a documented limit
  kExhausted,        // a budget or queue is full; try later
  kNoSpace,          // the medium is full
  kUnavailable,      // not now: starting, offline, outcome unknown
  kCorrupt,          // bytes differ from their digest
  kIo,               // the system refused (errno kept)
};

struct CodeTraits {
  std::string_view word;  // stable, machine readable: "not-found"
  int http_status;
  int error_number;  // errno the mount answers
  int exit_code;     // of the command line
  bool retryable;
};

const CodeTraits& traits(Code code);

// What went wrong. `message` names the operation and the object
// ("verify pack 01j… on medium warm-1: digest differs"), never a C++ function.
struct Error {
  Code code = Code::kIo;
  std::string message;
  int system_errno = 0;  // 0 when the system was not the cause

  // The same error, told in the context of what was being done:
  // "context: message".
  Error within(std::string_view context) const;
};

// Maps errno once, in one place: ENOSPC and EDQUOT to kNoSpace, ENOENT to
// kNotFound, everything else to kIo. `what` names operation and object.
Error system_error(int error_number, std::string_view what);

// Whether it tells of the moment and not of what was asked for: a medium that is away, no room, no
// descriptor, no memory.
bool is_passing(const Error& error);

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return assert(ok()), std::get<0>(state_); }
  const T& value() const& { return assert(ok()), std::get<0>(state_); }
  T&& value() && { return assert(ok()), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return assert(!ok()), std::get<1>(state_); }
  Error&& error() && { return assert(!ok()), std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return assert(!ok()), *error_; }
  Error&& error() && { return assert(!ok()), *std::move(error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

// Returns the error to the caller, or goes on.
#define HOLDFAST_TRY(expression)                                \
  do {                                                          \
    if (auto holdfast_try_ = (expression); !holdfast_try_.ok()) \
      return std::move(holdfast_try_).error();                  \
  } while (false)

// Declares `name` with the value, or returns the error to the caller.
#define HOLDFAST_ASSIGN(name, expression)                             \
  auto name##_result_ = (expression);                                 \
  if (!name##_result_.ok()) return std::move(name##_result_).error(); \
  auto name = std::move(name##_result_).value()

}  // namespace holdfast
