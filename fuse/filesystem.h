// The file system as the kernel sees it: each request of libfuse's low-level interface becomes
// a question to the tree, the attributes or the open files, and its answer a reply. Errors
// become errno by the one table (base/result.cc); whatever would write answers EROFS.
#pragma once

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <atomic>
#include <string>

#include "fuse/index_pool.h"
#include "fuse/kernel_cache.h"
#include "fuse/listings.h"
#include "fuse/open_files.h"
#include "fuse/tree.h"
#include "fuse/xattrs.h"

namespace holdfast {

// The userdata of the session. Thread rule: requests come on any thread.
class Filesystem {
 public:
  // All outlive this.
  Filesystem(const Tree& tree, IndexPool& index, OpenFiles& files, Listings& listings)
      : tree_(tree), index_(index), files_(files), listings_(listings) {}
  Filesystem(const Filesystem&) = delete;
  Filesystem& operator=(const Filesystem&) = delete;

  static const fuse_lowlevel_ops& operations();

  // What the kernel can do, before its first request.
  void begin(fuse_conn_info* connection);
  void lookup(fuse_req_t request, uint64_t parent, const char* name);
  void getattr(fuse_req_t request, uint64_t inode);
  void readlink(fuse_req_t request, uint64_t inode);
  void opendir(fuse_req_t request, uint64_t inode, fuse_file_info* info);
  void readdir(fuse_req_t request, uint64_t inode, size_t size, off_t offset, bool plus);
  void open(fuse_req_t request, uint64_t inode, fuse_file_info* info);
  void read(fuse_req_t request, size_t size, off_t offset, const fuse_file_info* info);
  void release(fuse_req_t request, const fuse_file_info* info);
  void getxattr(fuse_req_t request, uint64_t inode, const char* name, size_t size);
  void listxattr(fuse_req_t request, uint64_t inode, size_t size);
  void statfs(fuse_req_t request);

 private:
  Result<std::vector<Xattr>> xattrs(uint64_t inode);
  void read_metadata(fuse_req_t request, const OpenFile& file, size_t size, off_t offset);

  const Tree& tree_;
  IndexPool& index_;
  OpenFiles& files_;
  Listings& listings_;
  std::atomic<bool> kernel_opens_directories_{false};
};

// Messages to the kernel of a mounted session.
class SessionNotices final : public KernelNotices {
 public:
  explicit SessionNotices(fuse_session* session) : session_(session) {}
  void drop_listing(uint64_t directory) override;
  void drop_entry(uint64_t parent, const std::string& name) override;

 private:
  fuse_session* const session_;
};

}  // namespace holdfast
