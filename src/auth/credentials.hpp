#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "crypto/digest.hpp"
#include "sip/message.hpp"

namespace bellhop::auth {

/// The Digest credentials of one Authorization or Proxy-Authorization value (RFC 7616 section 3.4), checked for form.
/// Views into the message; a value with quoted-pairs is kept resolved beside.
struct Credentials {
  std::string_view username, realm, nonce, uri, response;
  crypto::HashAlgorithm algorithm = crypto::HashAlgorithm::md5;
  bool session = false;                 ///< the -sess variant
  std::string_view qop;                 ///< "auth", "auth-int", or empty for an RFC 2069 client
  std::string_view count_text, cnonce;  ///< empty without qop
  std::string_view opaque;              ///< what our challenge said, if the client gave it back
  std::uint32_t count = 0;

  Credentials() = default;
  Credentials(Credentials&&) = default;
  Credentials& operator=(Credentials&&) = default;  ///< not copied: the views may point into resolved_

 private:
  std::vector<std::string> resolved_;
  friend class CredentialsReader;
};

enum class CredentialsError : std::uint8_t {
  other_scheme,       ///< not Digest: Basic and others are never accepted (RFC 3261 section 22)
  other_realm,        ///< none of our business, good or not (RFC 3261 section 22.3)
  malformed,          ///< broken grammar, or a required parameter is missing or improper
  not_yet_made,       ///< empty nonce or response: the client announces its name before any challenge (RFC 8760 2.7)
  unknown_algorithm,  ///< well formed, with an algorithm that nobody here offered
};

/// One pass over the value, no allocation unless it holds quoted-pairs. After an error `fresh` is of no use.
[[nodiscard]] Result<void, CredentialsError> read_credentials(std::string_view value, std::string_view our_realm,
                                                              Credentials& fresh);

/// Whether the uri parameter names what the request asks for (RFC 7616 section 3.4.6, RFC 8760 section 2.6 item 6): an
/// equivalent URI, or one with the same user and host, since phones leave out or add ports and parameters, or an
/// address without a user, which stands for this server.
[[nodiscard]] bool uri_belongs_to(std::string_view uri, const sip::Message& request);

}  // namespace bellhop::auth
