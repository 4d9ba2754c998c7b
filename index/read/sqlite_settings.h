// What SQLite is told once for the whole process.
#pragma once

namespace holdfast {

// Before the first connection; later calls do nothing. A savepoint keeps the pages that it may have
// to give back in memory, 120 KiB at most, and in a temporary file beyond: SQLite's own bound of
// 64 KiB is less than one ingest changes, which would make and remove a file for each.
void configure_sqlite();

}  // namespace holdfast
