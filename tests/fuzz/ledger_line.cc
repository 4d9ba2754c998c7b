// Lines of the ledger: one that is accepted is exactly what its own content is written as, and its
// digest is of these bytes.
//
//   input = line
#include "io/digest.h"
#include "ledger/line.h"
#include "tests/fuzz/targets.h"

namespace holdfast::fuzz {

void ledger_line(ByteSpan bytes) {
  const std::string text(as_text(bytes));
  const auto line = parse_line(text);
  if (!line.ok()) {
    expect(line.error().code == Code::kCorrupt, "a line that is none is corrupt",
           line.error().message);
    return;
  }
  expect(line->n >= 1 && line->t.count >= 0, "numbers and times are none below the first");
  expect(line->text == text && line->digest == sha256(text), "a line is its bytes");
  LineDraft draft;
  draft.kind = line->kind;
  draft.who = line->who;
  draft.on = line->on;
  draft.details = line->details;
  const auto written = format_line(draft, line->n, line->t, line->previous);
  expect(written.ok() && *written == text, "a line is written as it was read", text);
  if (const auto gap = void_of(*line); gap.ok() && *gap)
    expect((*gap)->from <= (*gap)->to && (*gap)->offset.count >= 0, "what is void is a range");
}

}  // namespace holdfast::fuzz
