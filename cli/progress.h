// How far something is that takes its time, on standard error: on a terminal one line that is
// drawn again and again, otherwise lines of JSON for a program that looks on.
//
//   CA77aa0114  [########--------]  52 %  14 MiB of 27 MiB  3.1 MiB/s  4 s left
//   {"done":14680064,"rate":3250585,"remaining_seconds":4,"state":"recalling","total":28311552,"what":"CA77aa0114"}
//
// What is over before the first line would be due leaves no trace.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace holdfast::cli {

class Progress {
 public:
  enum class Style { kBar, kLines };
  struct Look {
    Style style = Style::kLines;
    int columns = 80;  // of the terminal
  };
  using Out = std::function<void(std::string_view)>;

  // `clock` and `out` outlive it. `what` is shown first.
  Progress(const Clock& clock, Look look, Out out, std::string what);
  ~Progress();  // end()
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Bytes done of so many (not known: nothing); draws when it is time to. Bytes may become fewer:
  // something is begun anew, and the rate with it.
  void at(int64_t done, std::optional<int64_t> total);
  // Waits, in words ("queued", "queued, on cold, about 12 min"): `state` is for programs, `words`
  // for people. Drawn at once when the state is another one, else when it is time to.
  void waits(std::string_view state, std::string_view words);
  // The bar goes; lines stay. Nothing is drawn afterwards.
  void end();

 private:
  struct Mark {
    Millis at;
    int64_t done;
  };

  bool is_due() const;
  std::optional<double> rate() const;  // bytes a second, lately
  void draw();
  std::string bar() const;
  std::string line() const;

  const Clock& clock_;
  const Look look_;
  const Out out_;
  const std::string what_;
  Millis due_;
  std::string state_ = "transferring";
  std::string words_;
  std::optional<int64_t> done_;
  std::optional<int64_t> total_;
  std::deque<Mark> marks_;
  bool is_drawn_ = false;
  bool ended_ = false;
};

// Standard error as it is: a terminal with its width, or not.
Progress::Look look_of_stderr();
// Writes to standard error, at once.
void to_stderr(std::string_view text);

}  // namespace holdfast::cli
