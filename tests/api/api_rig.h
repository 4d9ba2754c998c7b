// One daemon for all cases of this program, with a workspace, its keys, and calls on every tier.
//
// Ages are long, so that a call's end alone decides its tier: ended now, it stays on standard;
// ended a day ago, it goes to warm at once; ended two months ago, to cold.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/call_files.h"
#include "tests/support/daemon_process.h"
#include "tests/support/temporary_directory.h"

namespace holdfast::testing {

inline constexpr char kWorkspace[] = "3f2b8c1e-5a77-4e0b-9d0c-2f6a1b7c8d9e";
inline constexpr char kNeighbour[] = "6f1c2a34-0b5d-4e8f-9a67-112233445566";
inline constexpr char kUnknownSid[] = "CA00000000000000000000000000000000";
inline constexpr int kRecallsPerHour = 3;

class ApiRig {
 public:
  static ApiRig& instance();

  const DaemonProcess& daemon() const { return daemon_; }
  SeededRandom& random() { return random_; }
  // The operator: admin.sock.
  TestClient& admin() { return admin_; }
  // A key of the workspace that may do everything but administer.
  TestClient& owner() { return owner_; }
  const std::string& owner_key() const { return owner_key_; }
  // The same of the other workspace.
  TestClient& neighbour() { return neighbour_; }
  TestClient stranger() const { return TestClient(by_key(daemon_.url(), "")); }
  TestClient with_key(const std::string& key) const {
    return TestClient(by_key(daemon_.url(), key));
  }

  struct NewKey {
    std::string id;
    std::string text;
  };
  NewKey make_key(const json::array& scopes, std::string_view workspace = kWorkspace,
                  std::optional<UnixMillis> expires_at = std::nullopt);

  CallFiles write_call(Millis ended_before = Millis(0), size_t audio_bytes = 16000);
  CallFiles stored(Millis ended_before = Millis(0), size_t audio_bytes = 16000);
  // Stored, and moved until its tier is `tier`.
  CallFiles on_tier(std::string_view tier);

  // Accesses or decisions about the recording, oldest first.
  std::vector<json::object> lines(std::string_view chain, const CallFiles& call);
  int count(std::string_view chain, const CallFiles& call, std::string_view kind);
  std::string recording_id(const CallFiles& call);
  size_t restores();

 private:
  ApiRig();
  // The text of a key of the new workspace that may do everything but administer.
  std::string add_workspace(std::string_view workspace);

  SeededRandom random_;
  TemporaryDirectory directory_;
  DaemonProcess daemon_;
  TestClient admin_;
  std::string owner_key_;
  TestClient owner_;
  TestClient neighbour_;
};

inline ApiRig& rig() { return ApiRig::instance(); }

// "urn:holdfast:problem:<word>" of a problem, without its front; "" when it is none.
std::string problem_of(const HttpResponse& answer);
// A member of the answer's object, as text.
std::string member(const HttpResponse& answer, std::string_view name);
// The path and query of a link.
std::string target_of(const std::string& url);

// A connection of which the test writes every byte.
class RawConnection {
 public:
  explicit RawConnection(int port);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  void write(std::string_view bytes);
  // At least one byte, at most `most`; empty at the end.
  std::string read_some(size_t most = 65536);
  std::string read_all();

 private:
  int fd_;
};

}  // namespace holdfast::testing
