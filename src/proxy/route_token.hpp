#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/token.hpp"
#include "net/flow.hpp"
#include "sip/uri.hpp"

namespace bellhop::proxy {

/// The marks we leave in our Record-Route URIs. "bh" is a keyed hash of the Call-ID: a request that brings it back belongs to a
/// dialog that went through this server and was authorised then; nobody can make one up (house.md section 3, threats 57). "bf" is the flow
/// to the end that got the URI, where no address would lead there: a browser, a phone behind NAT or on a connection (RFC 5626 section
/// 5.2); the hash covers it too. The key is kept in data_dir, so dialogs survive a restart.
class RouteTokens {
 public:
  explicit RouteTokens(const crypto::Key& key) : key_(key) {}

  static constexpr std::string_view parameter = "bh", flow_parameter = "bf";

  /// What one Record-Route value says.
  struct Value {
    std::string_view sent_by;
    sip::Transport transport;
    bool secure = false;               ///< a sips URI: the request came with one (RFC 5630)
    const net::Flow* flow = nullptr;   ///< to the end that gets this value; null: its own address will do
  };
  /// Appends "<sip:HOST:PORT;transport=tcp;lr;bh=TOKEN;bf=FLOW>" (transport only when it is not UDP).
  void append_record_route(std::string& out, const Value& value, std::string_view call_id) const;

  struct Mark {
    bool ours = false;
    std::optional<net::Flow> flow{};  ///< its local address is not in it
  };
  /// Whether this Route URI carries our token for this Call-ID, and the flow in it.
  [[nodiscard]] Mark read(const sip::Uri& route, std::string_view call_id) const;

 private:
  [[nodiscard]] std::uint64_t token(std::string_view call_id, std::string_view flow) const;

  crypto::Key key_;
};

}  // namespace bellhop::proxy
