#pragma once

#include <string>
#include <string_view>

#include "crypto/token.hpp"
#include "sip/uri.hpp"

namespace bellhop::proxy {

/// The mark we leave in our Record-Route URIs ("bh" parameter): a keyed hash of the Call-ID. A request that brings it back
/// belongs to a dialog that went through this server and was authorised then; nobody can make one up (house.md section 3, threats
/// 57). The key is kept in data_dir, so dialogs survive a restart.
class RouteTokens {
 public:
  explicit RouteTokens(const crypto::Key& key) : key_(key) {}

  static constexpr std::string_view parameter = "bh";

  /// Appends "<sip:HOST:PORT;transport=tcp;lr;bh=TOKEN>" (transport only when it is not UDP).
  void append_record_route(std::string& out, std::string_view sent_by, std::string_view transport_parameter, std::string_view call_id) const;

  /// Whether this Route URI carries our token for this Call-ID.
  [[nodiscard]] bool valid(const sip::Uri& route, std::string_view call_id) const;

 private:
  crypto::Key key_;
};

}  // namespace bellhop::proxy
