#include "io/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

namespace holdfast {
namespace {

constexpr size_t kPage = 4096;
// Directories remembered as durable: a few per workspace and day; beyond it we sync again.
constexpr size_t kDurableDirectoriesMax = 4096;
// A reader and a writer at full depth, and the two blocks that their owners work on.
constexpr size_t pool_blocks(unsigned depth) { return 2 * size_t{depth} + 2; }

std::byte* allocate_blocks(size_t bytes) {
  void* memory = std::aligned_alloc(kPage, bytes);
  if (memory == nullptr) throw std::bad_alloc();  // as operator new would: the process ends
  return static_cast<std::byte*>(memory);
}

// A directory and a name in it: the last step of a path, never followed.
struct Place {
  Fd held;  // of the parent, unless the path has one part
  int dir_fd;
  std::string name;
};

Result<Place> place_of(int dir_fd, std::string_view relative) {
  SplitPath split = split_path(relative);
  if (split.parent == ".") return Place{Fd(), dir_fd, std::move(split.name)};
  HOLDFAST_ASSIGN(parent, open_beneath(dir_fd, split.parent, O_PATH | O_DIRECTORY));
  const int parent_fd = parent.get();
  return Place{std::move(parent), parent_fd, std::move(split.name)};
}

std::string quoted(std::string_view verb, std::string_view object) {
  return std::string(verb) + " " + std::string(object);
}

}  // namespace

void Io::Free::operator()(std::byte* memory) const { std::free(memory); }

Result<std::unique_ptr<Io>> Io::open(const IoOptions& options) {
  if (options.depth < 1 || options.block == 0 || options.block % kPage != 0)
    return Error{Code::kInvalid, "open I/O: depth must be 1 or more, block a multiple of 4096"};
  std::unique_ptr<Ring> ring;
  if (!options.force_fallback)
    ring = open_uring(static_cast<unsigned>(pool_blocks(options.depth)), options.faults);
  if (ring == nullptr) ring = open_pread_ring(options.faults);
  return std::unique_ptr<Io>(new Io(options, std::move(ring)));
}

Io::Io(const IoOptions& options, std::unique_ptr<Ring> ring)
    : depth_(options.depth),
      block_(options.block),
      faults_(options.faults),
      ring_(std::move(ring)) {}

Io::~Io() { ring_.reset(); }  // before the memory that it may still be given

std::string_view Io::ring_kind() const { return ring_->kind(); }

IoCounters Io::counters() const {
  IoCounters counters = counters_;
  counters.in_flight_max = ring_->in_flight_max();
  return counters;
}

std::optional<Error> Io::interruption() const {
  for (auto one = interruptions_.rbegin(); one != interruptions_.rend(); ++one)
    if (auto why = (**one)()) return why;
  return std::nullopt;
}

Status Io::point(std::string_view name) {
  ++counters_.operations;
  pulse_.beat();
  return faults_ == nullptr ? Status() : faults_->at(name);
}

Result<Fd> Io::open(int dir_fd, std::string_view relative, int flags, mode_t mode) {
  HOLDFAST_TRY(point("open"));
  return open_beneath(dir_fd, relative, flags, mode);
}

Result<Fd> Io::open_root(const std::string& path) {
  HOLDFAST_TRY(point("open"));
  return holdfast::open_root(path);
}

Result<Fd> Io::duplicate(const Fd& fd) {
  HOLDFAST_TRY(point("open"));
  return fd.duplicate();
}

// readdir moves the position of the open file, so that each stream has one of its own.
Result<DirectoryStream> Io::list(int dir_fd) {
  HOLDFAST_ASSIGN(own, open(dir_fd, ".", O_RDONLY | O_DIRECTORY));
  HOLDFAST_TRY(point("list"));
  DirectoryStream stream(::fdopendir(own.get()));
  if (stream == nullptr) return system_error(errno, "list a directory");
  own.release();  // the stream owns it now
  return stream;
}

Status Io::read_exactly(int fd, Bytes offset, MutableByteSpan out) {
  if (out.empty()) return {};
  RingOperation operation;
  operation.kind = RingOperation::Kind::kRead;
  operation.fd = fd;
  operation.offset = offset.count;
  operation.data = out.data();
  operation.length = out.size();
  start(operation);
  return wait(operation, out.size());
}

Status Io::write_all(int fd, Bytes offset, ByteSpan bytes) {
  if (bytes.empty()) return {};
  RingOperation operation;
  operation.kind = RingOperation::Kind::kWrite;
  operation.fd = fd;
  operation.offset = offset.count;
  operation.data = const_cast<std::byte*>(bytes.data());  // a write only reads it
  operation.length = bytes.size();
  start(operation);
  return wait(operation, bytes.size());
}

Status Io::sync(int fd, std::string_view object) {
  HOLDFAST_TRY(point("fsync"));
  ++counters_.syncs;
  if (::fsync(fd) != 0) return system_error(errno, quoted("fsync", object));
  return prove_alive(fd, object);
}

Status Io::sync_data(int fd, std::string_view object) {
  HOLDFAST_TRY(point("fdatasync"));
  ++counters_.syncs;
  if (::fdatasync(fd) != 0) return system_error(errno, quoted("fdatasync", object));
  return prove_alive(fd, object);
}

Status Io::prove_alive(int fd, std::string_view object) {
  const struct timespec now_and_as_it_is[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  if (::futimens(fd, now_and_as_it_is) == 0) return {};
  switch (errno) {
    case EPERM:
    case EACCES:
    case ENOSYS:
    case EOPNOTSUPP:
      return {};  // it cannot be asked
    default:
      return system_error(errno, quoted("after its sync, touch", object));
  }
}

Status Io::truncate(int fd, Bytes length, std::string_view object) {
  HOLDFAST_TRY(point("truncate"));
  if (::ftruncate(fd, length.count) != 0) return system_error(errno, quoted("truncate", object));
  return {};
}

Status Io::rename(int from_dir, std::string_view from, int to_dir, std::string_view to,
                  IfExists if_exists) {
  HOLDFAST_TRY(point("rename"));
  HOLDFAST_ASSIGN(source, place_of(from_dir, from));
  HOLDFAST_ASSIGN(target, place_of(to_dir, to));
  const unsigned flags = if_exists == IfExists::kRefuse ? RENAME_NOREPLACE : 0;
  if (::renameat2(source.dir_fd, source.name.c_str(), target.dir_fd, target.name.c_str(), flags) ==
      0)
    return {};
  const int error_number = errno;
  Error error = system_error(error_number, quoted("rename", from) + " to " + std::string(to));
  if (error_number == EEXIST || error_number == ENOTEMPTY) error.code = Code::kConflict;
  return error;
}

Status Io::unlink(int dir_fd, std::string_view relative) {
  HOLDFAST_TRY(point("unlink"));
  HOLDFAST_ASSIGN(place, place_of(dir_fd, relative));
  if (::unlinkat(place.dir_fd, place.name.c_str(), 0) != 0)
    return system_error(errno, quoted("unlink", relative));
  return {};
}

Status Io::remove_directory(int dir_fd, std::string_view relative) {
  HOLDFAST_TRY(point("unlink"));
  HOLDFAST_ASSIGN(place, place_of(dir_fd, relative));
  if (::unlinkat(place.dir_fd, place.name.c_str(), AT_REMOVEDIR) != 0)
    return system_error(errno, quoted("remove directory", relative));
  return {};
}

Result<bool> Io::make_directory(int dir_fd, std::string_view relative, mode_t mode) {
  HOLDFAST_TRY(point("mkdir"));
  HOLDFAST_ASSIGN(place, place_of(dir_fd, relative));
  if (::mkdirat(place.dir_fd, place.name.c_str(), mode) == 0) return true;
  if (errno == EEXIST) return false;
  return system_error(errno, quoted("make directory", relative));
}

void Io::remember_durable(const DirectoryKey& key) {
  if (durable_.size() >= kDurableDirectoriesMax) durable_.clear();
  durable_.insert(key);
}

void Io::prepare_pool() {
  const size_t blocks = pool_blocks(depth_);
  memory_.reset(allocate_blocks(blocks * block_));
  for (size_t slot = blocks; slot > 0; --slot) free_slots_.push_back(slot - 1);
}

std::optional<Io::Buffer> Io::lend_buffer() {
  if (memory_ == nullptr) prepare_pool();
  if (free_slots_.empty()) return std::nullopt;
  Buffer buffer;
  buffer.slot = free_slots_.back();
  free_slots_.pop_back();
  buffer.data = memory_.get() + buffer.slot * block_;
  return buffer;
}

Io::Buffer Io::need_buffer() {
  if (std::optional<Buffer> lent = lend_buffer()) return *lent;
  Buffer buffer;
  buffer.data = allocate_blocks(block_);
  buffer.own = true;
  return buffer;
}

void Io::give_back(const Buffer& buffer) {
  if (buffer.own)
    std::free(buffer.data);
  else
    free_slots_.push_back(buffer.slot);
}

void Io::start(RingOperation& operation) {
  Status fault;
  switch (operation.kind) {
    case RingOperation::Kind::kRead:
      ++counters_.reads;
      fault = point("read");
      break;
    case RingOperation::Kind::kWrite:
      ++counters_.writes;
      fault = point("write");
      break;
    case RingOperation::Kind::kSync:
      ++counters_.syncs;
      fault = point("fsync");
      break;
    case RingOperation::Kind::kSyncData:
      ++counters_.syncs;
      fault = point("fdatasync");
      break;
  }
  if (fault.ok()) return ring_->start(operation);
  operation.done = true;
  operation.transferred = 0;
  operation.error_number = fault.error().system_errno != 0 ? fault.error().system_errno : EIO;
  if (operation.kind != RingOperation::Kind::kWrite) return;
  const size_t torn = std::min(faults_->torn_bytes(operation.length), operation.length);
  if (torn > 0 && ::pwrite(operation.fd, operation.data, torn, operation.offset) < 0)
    operation.error_number = errno;  // the test wanted a torn write and gets none
}

Status Io::wait(RingOperation& operation, size_t expected) {
  if (!operation.done) ring_->wait(operation);
  const bool read = operation.kind == RingOperation::Kind::kRead;
  if (operation.error_number == 0 && operation.transferred >= expected) return {};
  const std::string what = (read ? "read " : "write ") + std::to_string(expected) +
                           " bytes at offset " + std::to_string(operation.offset);
  if (operation.error_number != 0) return system_error(operation.error_number, what);
  return Error{Code::kCorrupt, what + ": the file ends after " +
                                   std::to_string(operation.transferred) + " of them"};
}

Status Io::wait_for_sync(RingOperation& operation, std::string_view object) {
  if (!operation.done) ring_->wait(operation);
  if (operation.error_number == 0) return {};
  const bool is_data = operation.kind == RingOperation::Kind::kSyncData;
  return system_error(operation.error_number, quoted(is_data ? "fdatasync" : "fsync", object));
}

}  // namespace holdfast
