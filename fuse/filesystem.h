// The file system as the kernel sees it: each request of libfuse's low-level interface becomes
// a question to the tree, the attributes or the open files, and its answer a reply. Errors
// become errno by the one table (base/result.cc); whatever would write answers EROFS.
#pragma once

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <mutex>
#include <string>
#include <unordered_set>

#include "fuse/index_pool.h"
#include "fuse/invalidator.h"
#include "fuse/open_files.h"
#include "fuse/tree.h"
#include "fuse/xattrs.h"

namespace holdfast {

// Which directories the kernel may list from its cache: those opened since the last reset.
// Forgetting too many costs a listing, never a wrong one. Thread rule: any thread.
class FreshListings {
 public:
  // False the first time after clear(): the kernel must drop what it keeps of the directory.
  bool opened(uint64_t directory);
  void clear();

 private:
  // Some 40 bytes each. A walk over more directories than this finds none of them fresh.
  static constexpr size_t kMost = 1'000'000;
  std::mutex mutex_;
  std::unordered_set<uint64_t> directories_;
};

// The userdata of the session. Thread rule: requests come on any thread.
class Filesystem {
 public:
  // All outlive this.
  Filesystem(const Tree& tree, IndexPool& index, OpenFiles& files)
      : tree_(tree), index_(index), files_(files) {}
  Filesystem(const Filesystem&) = delete;
  Filesystem& operator=(const Filesystem&) = delete;

  static const fuse_lowlevel_ops& operations();

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

  FreshListings& listings() { return listings_; }

 private:
  Result<std::vector<Xattr>> xattrs(uint64_t inode);
  void read_metadata(fuse_req_t request, const OpenFile& file, size_t size, off_t offset);

  const Tree& tree_;
  IndexPool& index_;
  OpenFiles& files_;
  FreshListings listings_;
};

// The kernel's cache of a mounted session.
class SessionCache final : public KernelCache {
 public:
  SessionCache(fuse_session* session, FreshListings& listings)
      : session_(session), listings_(listings) {}
  void drop_listing(uint64_t directory) override;
  void drop_entry(uint64_t parent, const std::string& name) override;
  void drop_all_listings() override { listings_.clear(); }

 private:
  fuse_session* const session_;
  FreshListings& listings_;
};

}  // namespace holdfast
