// Directories and names below a root: made, listed, renamed and removed without
// ever following a symbolic link.
#pragma once

#include <dirent.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "io/io.h"

namespace holdfast {

// fsync of a directory: the names in it are durable. `dir_fd` as opened for reading.
Status sync_directory(Io& io, int dir_fd, std::string_view object);

// Makes `relative` and its missing parents, and syncs every directory that was
// made and the one it was made in: when this returns ok, all of them are durable.
// Gives the descriptor of the last one. No error when all exist.
Result<Fd> make_directories_beneath(Io& io, int dir_fd, std::string_view relative,
                                    mode_t mode = 0750);

// Opens a directory below a root for listing, syncing and opening beneath.
Result<Fd> open_directory_beneath(Io& io, int dir_fd, std::string_view relative);

// Renames within one file system and syncs both parents. Paths may have several parts.
Status rename_durably(Io& io, int dir_fd, std::string_view from, std::string_view to,
                      IfExists if_exists);

// Removes one file and syncs its directory. kNotFound when it is absent.
Status unlink_durably(Io& io, int dir_fd, std::string_view relative);

// Removes a directory and all below it (never through a link), then syncs its
// parent. No error when it is absent.
Status remove_tree(Io& io, int dir_fd, std::string_view relative);

struct DirectoryEntry {
  std::string name;
  unsigned char type =
      DT_UNKNOWN;  // d_type of readdir(3), looked up when the file system keeps none
};
// Calls `visit` for each entry but "." and "..", in no order; false stops. Any
// number of entries costs the same memory.
Status each_entry(Io& io, int dir_fd,
                  const std::function<Result<bool>(const DirectoryEntry&)>& visit);
// All entries, sorted by name. For directories that we bound ourselves.
Result<std::vector<DirectoryEntry>> list_directory(Io& io, int dir_fd);

}  // namespace holdfast
