// Requests made by a seed: sound ones by the grammar of RFC 9112, the same with one thing or a few
// otherwise, and any of them with bytes changed, left out, doubled or put in. Several stand behind
// each other, as a client pipelines them.
#pragma once

#include <string>

#include "tests/support/seeded_random.h"

namespace holdfast::hostile {

class RequestGenerator {
 public:
  explicit RequestGenerator(SeededRandom& random) : random_(random) {}

  // One to three requests. How many were made is added to `count`.
  std::string conversation(int& count);

 private:
  struct Framing {
    std::string lines;
    std::string body;
  };

  template <size_t kSize>
  std::string one_of(const char* const (&choices)[kSize]) {
    return choices[random_.below(kSize)];
  }
  bool now_and_then(uint64_t rarity) { return random_.below(rarity) == 0; }

  std::string request();
  std::string request_line();
  std::string fields();
  Framing framing();
  std::string length_of(size_t size);
  std::string chunks(const std::string& body);
  std::string body();
  void mutate(std::string& bytes);

  SeededRandom& random_;
};

}  // namespace holdfast::hostile
