#include "client/download.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include "io/digest.h"
#include "io/publish.h"

namespace holdfast {
namespace {

// Passes a body on to publish_file, and digests it on the way: publish_file tells its digest
// only when the name is in place, and a wrong file must never get that far.
class DigestingSink final : public BodySink {
 public:
  explicit DigestingSink(const ByteSink& next) : next_(next) {}
  Status write(ByteSpan bytes) override {
    sha256_.update(bytes);
    return next_(bytes);
  }
  Digest finish() { return sha256_.finish(); }

 private:
  const ByteSink& next_;
  Sha256 sha256_;
};

// What is under the name already: nothing, or a file with the digest that is expected.
Result<std::optional<Downloaded>> already_there(Io& io, const DownloadTarget& target) {
  auto fd = open_beneath(target.directory_fd, target.relative, O_RDONLY | O_NONBLOCK);
  if (!fd.ok() && fd.error().code == Code::kNotFound) return std::optional<Downloaded>();
  if (!fd.ok()) return fd.error();
  const Error conflict{Code::kConflict,
                       fmt::format("{} exists already and holds something else", target.relative)};
  HOLDFAST_ASSIGN(status, status_of(fd->get(), target.relative));
  if (!target.expected || !S_ISREG(status.st_mode) ||
      Bytes(status.st_size) != target.expected->size)
    return conflict;
  HOLDFAST_ASSIGN(digest, digest_file(io, fd->get(), target.expected->size));
  if (digest != target.expected->digest) return conflict;
  return std::optional<Downloaded>(Downloaded{{}, target.expected->size, digest, true});
}

Status check_digest(const HttpResponse& response, const Digest& got,
                    const std::optional<ExpectedFile>& expected, const std::string& path) {
  HOLDFAST_ASSIGN(told, digest_in(response));
  if (!told && !expected)
    return Error{Code::kCorrupt, fmt::format("GET {}: the answer tells no SHA-256", path)};
  for (const auto& want :
       {told, expected ? std::optional<Digest>(expected->digest) : std::optional<Digest>()})
    if (want && *want != got)
      return Error{Code::kCorrupt, fmt::format("GET {}: the bytes have SHA-256 {}, expected {}",
                                               path, got.hex(), want->hex())};
  return {};
}

}  // namespace

Result<bool> is_downloaded(Io& io, const DownloadTarget& target) {
  HOLDFAST_ASSIGN(there, already_there(io, target));
  return there.has_value();
}

Result<Downloaded> download(HttpClient& client, Io& io, HttpRequest request,
                            const DownloadTarget& target, HttpResponse* archived) {
  HOLDFAST_ASSIGN(there, already_there(io, target));
  if (there) return *std::move(there);

  Downloaded downloaded;
  const ByteSource source = [&](const ByteSink& next) -> Status {
    DigestingSink sink(next);
    request.sink = &sink;
    HOLDFAST_ASSIGN(response, client.request(request));
    if (response.status == 202) {
      if (archived != nullptr) *archived = std::move(response);
      return Error{Code::kArchived, fmt::format("GET {}: archived", request.path)};
    }
    if (response.status != 200)
      return Error{Code::kIo, fmt::format("GET {}: the server answered {} instead of the file",
                                          request.path, response.status)};
    downloaded.digest = sink.finish();
    downloaded.response = std::move(response);
    return check_digest(downloaded.response, downloaded.digest, target.expected, request.path);
  };
  PublishOptions options;
  if (target.expected) options.size = target.expected->size;
  HOLDFAST_ASSIGN(published,
                  publish_file(io, target.directory_fd, target.relative, options, source));
  downloaded.size = published.size;
  return downloaded;
}

Result<std::optional<Digest>> digest_in(const HttpResponse& response) {
  const auto header = response.header("repr-digest");
  if (!header) return std::optional<Digest>();
  const Error bad{Code::kInvalid, "the answer's Repr-Digest cannot be read: " + *header};
  constexpr std::string_view kName = "sha-256=:";
  const size_t begin = header->find(kName);
  if (begin == header->npos) return std::optional<Digest>();  // other algorithms only
  const size_t first = begin + kName.size();
  const size_t end = header->find(':', first);
  constexpr size_t kBase64Length = 44;  // of 32 bytes, one of them padding
  if (end == header->npos || end - first != kBase64Length) return bad;
  // EVP_DecodeBlock counts the padding as a byte: 33 for our 32.
  std::array<unsigned char, 33> bytes{};
  const auto* text = reinterpret_cast<const unsigned char*>(header->data() + first);
  if (EVP_DecodeBlock(bytes.data(), text, kBase64Length) != 33 || (*header)[end - 1] != '=')
    return bad;
  HOLDFAST_ASSIGN(
      digest, Digest::from_blob(ByteSpan(reinterpret_cast<const std::byte*>(bytes.data()), 32)));
  return std::optional<Digest>(digest);
}

}  // namespace holdfast
