#include "daemon/outbound/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace holdfast::outbound {
namespace {

std::string base64(const unsigned char* bytes, size_t size) {
  std::string out(4 * ((size + 2) / 3) + 1, '\0');
  const int written = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes,
                                        static_cast<int>(size));
  out.resize(static_cast<size_t>(written));
  return out;
}

}  // namespace

std::string secret_text(std::string_view secret) {
  return "whsec_" + base64(reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
}

std::string signature(const Signed& message, const std::vector<std::string>& secrets) {
  const std::string content = std::string(message.id) + "." + std::to_string(message.timestamp_s) +
                              "." + std::string(message.body);
  std::string out;
  for (const std::string& secret : secrets) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned int size = 0;
    ::HMAC(::EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(content.data()), content.size(), mac.data(),
           &size);
    out += (out.empty() ? "v1," : " v1,") + base64(mac.data(), size);
  }
  return out;
}

}  // namespace holdfast::outbound
