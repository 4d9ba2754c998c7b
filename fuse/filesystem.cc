#include "fuse/filesystem.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/limits.h"
#include "base/log.h"
#include "fuse/limits.h"

namespace holdfast {

namespace {

// Entries 1 and 2 of every listing are "." and ".."; the tree's cookies follow.
constexpr off_t kFirstCookie = 2;

void reply(fuse_req_t request, const Error& error) {
  fuse_reply_err(request, traits(error.code).error_number);
}

bool is_below_holds(const Node& node) {
  return node.kind == NodeKind::kHolds || node.kind == NodeKind::kMatter ||
         node.kind == NodeKind::kHeldCall;
}

// Nobody tells of a new workspace before its first recording, nor of a hold.
bool is_told(const Node& node) { return node.kind != NodeKind::kRoot && !is_below_holds(node); }

double seconds_to_keep(uint64_t inode) {
  const Result<Node> node = node_of(inode);
  return node.ok() && is_below_holds(*node) ? mount_limits::kHoldsCacheSeconds
                                            : mount_limits::kCacheSeconds;
}

fuse_entry_param entry_of(const struct stat& status) {
  fuse_entry_param entry{};
  entry.ino = status.st_ino;
  entry.generation = 0;  // a number is never given twice
  entry.attr = status;
  entry.attr_timeout = seconds_to_keep(status.st_ino);
  entry.entry_timeout = entry.attr_timeout;
  return entry;
}

void reply_slice(fuse_req_t request, std::string_view bytes, size_t size, off_t offset) {
  const size_t from = std::min(static_cast<size_t>(offset), bytes.size());
  const std::string_view slice = bytes.substr(from, size);
  fuse_reply_buf(request, slice.data(), slice.size());
}

// A value or a list of names: its size when `size` is 0, ERANGE when it does not fit.
void reply_xattr(fuse_req_t request, std::string_view value, size_t size) {
  if (size == 0)
    fuse_reply_xattr(request, value.size());
  else if (value.size() > size)
    fuse_reply_err(request, ERANGE);
  else
    fuse_reply_buf(request, value.data(), value.size());
}

// One reply to readdir(plus), filled up to what the kernel asked for.
class Listing {
 public:
  Listing(fuse_req_t request, size_t size, bool plus)
      : request_(request), buffer_(size), plus_(plus) {}

  // False when the entry does not fit any more.
  bool add(const std::string& name, const struct stat& status, off_t offset) {
    const size_t room = buffer_.size() - used_;
    size_t need = 0;
    if (plus_) {
      const fuse_entry_param entry = entry_of(status);
      need = fuse_add_direntry_plus(request_, buffer_.data() + used_, room, name.c_str(), &entry,
                                    offset);
    } else {
      need =
          fuse_add_direntry(request_, buffer_.data() + used_, room, name.c_str(), &status, offset);
    }
    if (need > room) return false;
    used_ += need;
    return true;
  }

  void reply() { fuse_reply_buf(request_, buffer_.data(), used_); }
  void restart() { used_ = 0; }

 private:
  fuse_req_t request_;
  std::vector<char> buffer_;
  const bool plus_;
  size_t used_ = 0;
};

// "." and "..": the kernel takes no attributes from them, so they carry a type and a number alone.
struct stat dot_status(uint64_t inode) {
  struct stat status {};
  status.st_ino = inode;
  status.st_mode = S_IFDIR;
  return status;
}

}  // namespace

void Filesystem::begin(fuse_conn_info* connection) {
  for (const int wanted :
       {FUSE_CAP_SPLICE_WRITE, FUSE_CAP_READDIRPLUS, FUSE_CAP_PARALLEL_DIROPS, FUSE_CAP_ASYNC_READ})
    connection->want |= connection->capable & static_cast<unsigned>(wanted);
  // Every page of a listing brings its attributes: here they cost nothing, and a directory's later
  // pages would otherwise cost a lookup an entry.
  connection->want &= ~static_cast<unsigned>(FUSE_CAP_READDIRPLUS_AUTO);
  // Pages leave the kernel's cache when we say so, not when an attribute was fetched again.
  connection->want &= ~static_cast<unsigned>(FUSE_CAP_AUTO_INVAL_DATA);
  connection->time_gran = 1'000'000;  // the index counts milliseconds
  kernel_opens_directories_ =
      (connection->capable & static_cast<unsigned>(FUSE_CAP_NO_OPENDIR_SUPPORT)) != 0;
}

void Filesystem::lookup(fuse_req_t request, uint64_t parent, const char* name) {
  const Result<Node> node = node_of(parent);
  if (!node.ok()) return reply(request, node.error());
  const Result<struct stat> found =
      index_.read([&](Database& index) { return tree_.lookup(index, *node, name); });
  // Absence is not kept by the kernel: nobody tells it of a name that it does not know.
  if (!found.ok()) return reply(request, found.error());
  const fuse_entry_param entry = entry_of(*found);
  fuse_reply_entry(request, &entry);
}

void Filesystem::getattr(fuse_req_t request, uint64_t inode) {
  const Result<Node> node = node_of(inode);
  if (!node.ok()) return reply(request, node.error());
  const Result<struct stat> found =
      index_.read([&](Database& index) { return tree_.attributes(index, *node); });
  if (!found.ok()) return reply(request, found.error());
  fuse_reply_attr(request, &*found, seconds_to_keep(inode));
}

void Filesystem::readlink(fuse_req_t request, uint64_t inode) {
  const Result<Node> node = node_of(inode);
  if (!node.ok() || node->kind != NodeKind::kHeldCall) {
    fuse_reply_err(request, EINVAL);
    return;
  }
  const Result<std::string> target =
      index_.read([&](Database& index) { return tree_.link_target(index, *node); });
  if (!target.ok()) return reply(request, target.error());
  fuse_reply_readlink(request, target->c_str());
}

void Filesystem::opendir(fuse_req_t request, uint64_t inode, fuse_file_info* info) {
  // "No such call": the kernel asks no second time, opens every directory as below and releases it
  // by itself. Two requests a directory, each of which wakes this process, would cost a warm find
  // more than all the rest.
  if (kernel_opens_directories_) {
    fuse_reply_err(request, ENOSYS);
    return;
  }
  const Result<Node> node = node_of(inode);
  if (!node.ok()) return reply(request, node.error());
  info->cache_readdir = 1;
  info->keep_cache = 1;
  fuse_reply_open(request, info);
}

void Filesystem::readdir(fuse_req_t request, uint64_t inode, size_t size, off_t offset, bool plus) {
  const Result<Node> node = node_of(inode);
  if (!node.ok()) return reply(request, node.error());
  const Status recorded = listings_.hand_out(inode, is_told(*node));
  if (!recorded.ok()) return reply(request, recorded.error());
  Listing listing(request, size, plus);
  const auto fill = [&](Database& index) -> Status {
    listing.restart();
    if (offset < 1 && !listing.add(".", dot_status(inode), 1)) return Status();
    if (offset < 2 && !listing.add("..", dot_status(inode), kFirstCookie)) return Status();
    const int64_t cookie = std::max<int64_t>(offset - kFirstCookie, 0);
    return tree_.list(index, *node, cookie, mount_limits::kEntriesPerRequest,
                      [&](const Entry& entry) {
                        return listing.add(entry.name, entry.status, entry.cookie + kFirstCookie);
                      });
  };
  const Status listed = index_.read(fill);
  if (!listed.ok()) return reply(request, listed.error());
  listing.reply();
}

void Filesystem::open(fuse_req_t request, uint64_t inode, fuse_file_info* info) {
  if ((info->flags & O_ACCMODE) != O_RDONLY || (info->flags & (O_TRUNC | O_APPEND)) != 0) {
    fuse_reply_err(request, EROFS);
    return;
  }
  const Result<Node> node = node_of(inode);
  if (!node.ok() || node->kind != NodeKind::kFile) {
    fuse_reply_err(request, node.ok() ? EISDIR : ENOENT);
    return;
  }
  const fuse_ctx* context = fuse_req_ctx(request);
  const Result<uint64_t> handle =
      files_.open(*node, Caller{context->uid, static_cast<int32_t>(context->pid)});
  if (!handle.ok()) return reply(request, handle.error());
  info->fh = *handle;
  info->keep_cache = 1;  // the bytes of an inode never change
  info->noflush = 1;
  // -ENOENT: the caller was interrupted and will not release what it never got.
  if (fuse_reply_open(request, info) == -ENOENT) files_.close(*handle);
}

void Filesystem::read(fuse_req_t request, size_t size, off_t offset, const fuse_file_info* info) {
  const std::shared_ptr<const OpenFile> file = files_.find(info->fh);
  if (file == nullptr) {
    fuse_reply_err(request, EBADF);
    return;
  }
  if (!file->fd) return read_metadata(request, *file, size, offset);
  const Status checked = files_.check(*file);
  if (!checked.ok()) return reply(request, checked.error());
  const int64_t left = std::max<int64_t>(file->size.count - offset, 0);
  // From descriptor to descriptor: the bytes are spliced from the page cache. A later kernel
  // interface (passthrough) takes the same descriptor at open and leaves this function unused.
  fuse_bufvec source{};
  source.count = 1;
  source.buf[0].size = std::min(size, static_cast<size_t>(left));
  source.buf[0].flags = static_cast<fuse_buf_flags>(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK);
  source.buf[0].fd = file->fd.get();
  source.buf[0].pos = offset;
  fuse_reply_data(request, &source, static_cast<fuse_buf_copy_flags>(0));
}

void Filesystem::read_metadata(fuse_req_t request, const OpenFile& file, size_t size,
                               off_t offset) {
  const Result<std::string> bytes = files_.metadata(file);
  if (!bytes.ok()) return reply(request, bytes.error());
  reply_slice(request, *bytes, size, offset);
}

void Filesystem::release(fuse_req_t request, const fuse_file_info* info) {
  files_.close(info->fh);
  fuse_reply_err(request, 0);
}

Result<std::vector<Xattr>> Filesystem::xattrs(uint64_t inode) {
  HOLDFAST_ASSIGN(node, node_of(inode));
  return index_.read([&](Database& index) { return xattrs_of(index, node); });
}

void Filesystem::getxattr(fuse_req_t request, uint64_t inode, const char* name, size_t size) {
  // ACLs and SELinux's label are asked for by ls(1) at every file until it hears that the file
  // system has none. Capabilities are "none" to the tools that copy them.
  const std::string_view asked = name;
  if (!asked.starts_with(kXattrPrefix)) {
    const bool is_unsupported = asked.starts_with("system.") || asked == "security.selinux";
    fuse_reply_err(request, is_unsupported ? EOPNOTSUPP : ENODATA);
    return;
  }
  const Result<std::vector<Xattr>> all = xattrs(inode);
  if (!all.ok()) return reply(request, all.error());
  for (const Xattr& xattr : *all)
    if (xattr.first == name) return reply_xattr(request, xattr.second, size);
  fuse_reply_err(request, ENODATA);
}

void Filesystem::listxattr(fuse_req_t request, uint64_t inode, size_t size) {
  const Result<std::vector<Xattr>> all = xattrs(inode);
  if (!all.ok()) return reply(request, all.error());
  std::string names;
  for (const Xattr& xattr : *all) names += xattr.first + '\0';
  reply_xattr(request, names, size);
}

void Filesystem::statfs(fuse_req_t request) {
  // Space belongs to the media, not to the view: zeros keep df(1) from adding it up twice.
  struct statvfs status {};
  status.f_bsize = 4096;
  status.f_frsize = 4096;
  status.f_namemax = 255;
  status.f_flag = ST_RDONLY | ST_NOSUID | ST_NODEV;
  fuse_reply_statfs(request, &status);
}

void SessionNotices::drop_listing(uint64_t directory) {
  // What the kernel has goes at once: this waits only for whoever copies the very page just now.
  fuse_lowlevel_notify_inval_inode(session_, directory, 0, 0);
  // Dropping a name takes the directory's lock, so a listing under way is finished and lies in
  // the cache before the cache is dropped again. No entry has this name.
  constexpr std::string_view kNobody = "?";
  fuse_lowlevel_notify_inval_entry(session_, directory, kNobody.data(), kNobody.size());
  fuse_lowlevel_notify_inval_inode(session_, directory, 0, 0);
}

void SessionNotices::drop_entry(uint64_t parent, const std::string& name) {
  fuse_lowlevel_notify_inval_entry(session_, parent, name.data(), name.size());
}

namespace {

Filesystem& of(fuse_req_t request) { return *static_cast<Filesystem*>(fuse_req_userdata(request)); }

void init(void* userdata, fuse_conn_info* connection) {
  static_cast<Filesystem*>(userdata)->begin(connection);
}

template <typename... Rest>
void read_only(fuse_req_t request, Rest...) {
  fuse_reply_err(request, EROFS);
}

void add_reading(fuse_lowlevel_ops& ops) {
  ops.lookup = [](fuse_req_t request, fuse_ino_t parent, const char* name) {
    of(request).lookup(request, parent, name);
  };
  ops.getattr = [](fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
    of(request).getattr(request, inode);
  };
  ops.readlink = [](fuse_req_t request, fuse_ino_t inode) { of(request).readlink(request, inode); };
  ops.opendir = [](fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
    of(request).opendir(request, inode, info);
  };
  ops.readdir = [](fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
                   fuse_file_info*) { of(request).readdir(request, inode, size, offset, false); };
  ops.readdirplus = [](fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
                       fuse_file_info*) {
    of(request).readdir(request, inode, size, offset, true);
  };
  ops.open = [](fuse_req_t request, fuse_ino_t inode, fuse_file_info* info) {
    of(request).open(request, inode, info);
  };
  ops.read = [](fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* info) {
    of(request).read(request, size, offset, info);
  };
  ops.release = [](fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    of(request).release(request, info);
  };
  ops.getxattr = [](fuse_req_t request, fuse_ino_t inode, const char* name, size_t size) {
    of(request).getxattr(request, inode, name, size);
  };
  ops.listxattr = [](fuse_req_t request, fuse_ino_t inode, size_t size) {
    of(request).listxattr(request, inode, size);
  };
  ops.statfs = [](fuse_req_t request, fuse_ino_t) { of(request).statfs(request); };
}

// The kernel refuses these itself on a read-only mount; a remount changes nothing.
void add_refusals(fuse_lowlevel_ops& ops) {
  ops.setattr = read_only;
  ops.mknod = read_only;
  ops.mkdir = read_only;
  ops.unlink = read_only;
  ops.rmdir = read_only;
  ops.symlink = read_only;
  ops.rename = read_only;
  ops.link = read_only;
  ops.write = read_only;
  ops.setxattr = read_only;
  ops.removexattr = read_only;
  ops.create = read_only;
  ops.fallocate = read_only;
}

}  // namespace

const fuse_lowlevel_ops& Filesystem::operations() {
  static const fuse_lowlevel_ops kOperations = [] {
    fuse_lowlevel_ops ops{};
    ops.init = init;
    add_reading(ops);
    add_refusals(ops);
    return ops;
  }();
  return kOperations;
}

}  // namespace holdfast
