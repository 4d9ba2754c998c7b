// All rows of an index as text, table by table, for comparing two of them. What may differ is named
// with its reason; a new table or column is compared until somebody says why not.
#pragma once

#include <sqlite3.h>

#include <boost/test/unit_test.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/archive_fixture.h"

namespace holdfast::testing {

using TableDump = std::map<std::string, std::set<std::string>>;  // table → rows

// What a rebuild does not bring back, each with its reason.
struct Exceptions {
  // Tables whose rows come from no decision and no medium.
  std::set<std::string> tables = {
      "restore",         // work of users: asked for again
      "restore_waiter",  // as its restore
      "rewrite",         // work under way: it is begun again
      "move",            // work under way: policy plans it again
      "recall_sample",   // history for estimates: measured again
      "link",            // for listings alone: no link needs its row
      "outbox",          // messages to be sent
      // Kept each minute without a line; a rebuild has it from the last line, never ahead.
      "compliance_clock",
      "expiry",  // the breaker's present day begins anew
  };
  // Columns, by table.
  std::map<std::string, std::set<std::string>> columns = {
      {"recording", {"next_action_at"}},    // when policy looks again: at once
      {"medium", {"checked_at", "state"}},  // what was seen last: seen again
      // An open pack's cohort gathers; of a sealed one nothing asks. Numbers name it within one
      // index.
      {"pack",
       {"pack_no", "cohort", "opened_at", "target_no", "next_action_at",
        "mirrored"}},                                 // looked at again
      {"pack_copy", {"verified_at", "verify_mode"}},  // by the scrub: read again
      {"quarantine", {"quarantine_no", "repair", "attempts", "not_before", "error"}},
      {"note", {}},
  };
  // Columns of which something else is compared: an expression of SQL, by table and column.
  std::map<std::string, std::map<std::string, std::string>> told;
  // Rows, by a condition of SQL that says which are compared.
  std::map<std::string, std::string> rows = {
      {"pack", "state = 1"},               // open: gathered again; gone: nothing speaks of it
      {"pack_copy", "state <> 3"},         // going
      {"copy", "state NOT IN (0, 3, 4)"},  // planned, going, staged
      // Counts of work under way, and of open packs.
      {"counter", "name IN ('workspaces', 'quarantined')"},
      // Of the file itself: when it was made, how far it is, what numbers are reserved.
      {"setting",
       "name NOT IN ('created_at', 'applied_seq', 'rebuilt_at', 'recording_no_end', "
       "'missed_decisions')"},
  };
};

// What is compared of a column. One that names a pack by its number in this index: the pack's id.
inline std::string told_column(const Exceptions& except, const std::string& table,
                               const std::string& column) {
  if (const auto of_table = except.told.find(table); of_table != except.told.end())
    if (const auto told = of_table->second.find(column); told != of_table->second.end())
      return told->second;
  if (column == "pack_no" && table != "pack")
    return "(SELECT hex(pack_id) FROM pack p WHERE p.pack_no = t.pack_no)";
  return "t.\"" + column + "\"";
}

inline std::vector<std::string> column_of_rows(sqlite3* handle, const std::string& sql) {
  std::vector<std::string> out;
  sqlite3_stmt* statement = nullptr;
  BOOST_REQUIRE_MESSAGE(
      sqlite3_prepare_v2(handle, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK,
      sql << ": " << sqlite3_errmsg(handle));
  while (sqlite3_step(statement) == SQLITE_ROW) {
    std::string row;
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      if (i > 0) row += "|";
      if (sqlite3_column_type(statement, i) == SQLITE_BLOB) {
        const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement, i));
        row += to_hex(ByteSpan(bytes, static_cast<size_t>(sqlite3_column_bytes(statement, i))));
      } else if (sqlite3_column_type(statement, i) == SQLITE_NULL) {
        row += "null";
      } else {
        row += reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
      }
    }
    out.push_back(std::move(row));
  }
  sqlite3_finalize(statement);
  return out;
}

// Of a file that nobody writes just now.
inline TableDump dump_index(const std::string& path, const Exceptions& except = Exceptions()) {
  sqlite3* handle = nullptr;
  BOOST_REQUIRE(sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr) ==
                SQLITE_OK);
  TableDump dump;
  for (const std::string& table : column_of_rows(
           handle,
           "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
           "AND name NOT LIKE 'recording_search_%'")) {
    if (except.tables.contains(table)) continue;
    std::string columns;
    const auto left_out = except.columns.find(table);
    for (const std::string& column :
         column_of_rows(handle, "SELECT name FROM pragma_table_info('" + table + "')")) {
      if (left_out != except.columns.end() && left_out->second.contains(column)) continue;
      columns += (columns.empty() ? "" : ", ") + told_column(except, table, column);
    }
    if (table == "recording_search") columns = "rowid, " + columns;
    std::string sql = "SELECT " + columns + " FROM \"" + table + "\" t";
    if (const auto where = except.rows.find(table); where != except.rows.end())
      sql += " WHERE " + where->second;
    auto rows = column_of_rows(handle, sql);
    dump[table] = {rows.begin(), rows.end()};
  }
  sqlite3_close(handle);
  return dump;
}

inline void check_same_rows(const TableDump& before, const TableDump& after) {
  for (const auto& [table, rows] : before) {
    const auto found = after.find(table);
    BOOST_TEST_REQUIRE((found != after.end()), "no table " << table);
    for (const std::string& row : rows)
      BOOST_TEST(found->second.contains(row), table << " lost " << row);
    for (const std::string& row : found->second)
      BOOST_TEST(rows.contains(row), table << " has now " << row);
  }
}

}  // namespace holdfast::testing
