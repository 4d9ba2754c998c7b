#include "tests/hostile/hostile_requests.h"

#include "tests/hostile/hostile_rows.h"

namespace holdfast::hostile {

std::vector<Hostile> hostile_requests() {
  Table all;
  add_request_lines(all);
  add_targets(all);
  add_hosts(all);
  add_fields(all);
  add_line_ends(all);
  add_lengths(all);
  add_codings(all);
  add_chunks(all);
  add_connections(all);
  return all;
}

}  // namespace holdfast::hostile
