#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/token.hpp"
#include "location/block.hpp"
#include "sip/uri.hpp"

namespace bellhop::routing {

/// Globally routable addresses of single devices (RFC 5627). The public one is the address-of-record with the device's
/// instance in "gr". The temporary one says nothing about either: its user part is sealed with our key and holds what
/// is needed to find the binding, so nothing is kept for it. It is good for as long as the device stays registered
/// under the same Call-ID (section 3.2).
///
/// Threads any; a value.
class Gruus {
 public:
  explicit Gruus(const crypto::Key& key);

  /// ";pub-gruu="..."" of a device; `aor` is "sip:bob@example.test". The instance may hold any octets.
  static void append_public(std::string& out, std::string_view aor, std::string_view instance);
  /// ";temp-gruu="..."", another one each time. `key` is that of the bindings (routing::binding_key), `domain` a name
  /// of ours.
  void append_temporary(std::string& out, std::string_view key, std::string_view domain, std::string_view instance,
                        std::string_view call_id) const;

  /// Which device is meant: by its instance, or by hashes of instance and Call-ID.
  struct Device {
    std::string instance;                               ///< of a public GRUU
    std::uint64_t instance_hash = 0, call_id_hash = 0;  ///< of a temporary one
    bool known = true;                                  ///< false: "gr" without a value that is none of ours
  };
  struct Temporary {
    std::string key;
    Device device;
  };
  /// Nothing when the user part is no temporary GRUU of ours.
  [[nodiscard]] std::optional<Temporary> read_temporary(std::string_view user) const;
  /// Of a public GRUU's "gr" parameter.
  [[nodiscard]] static Device device_of(const sip::Parameter& gr);
  [[nodiscard]] bool matches(const Device& device, const location::BindingView& binding) const;
  /// This is the device of a temporary one, and it has registered anew since.
  [[nodiscard]] bool replaced(const Device& device, const location::BindingView& binding) const;

 private:
  [[nodiscard]] std::uint64_t hash(std::string_view text) const { return crypto::short_mac(key_, text); }
  crypto::Key key_;
};

}  // namespace bellhop::routing
