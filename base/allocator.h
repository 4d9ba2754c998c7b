// What the process tells its allocator of memory (glibc's; mallopt(3)).
#pragma once

namespace holdfast {

// Keeps up to half a MiB of what is freed with each thread, instead of giving it back to the kernel
// at once: by its own settings glibc does so from 128 KiB on, and SQLite takes and frees just that
// much for each statement that it may have to undo; page faults were a sixth of the writer's time.
// Pieces of a MiB and more still go back whole. Call before threads begin.
void keep_freed_memory();

}  // namespace holdfast
