#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/token.hpp"
#include "net/flow.hpp"
#include "sip/uri.hpp"

namespace bellhop::proxy {

/// The marks we leave in our Record-Route URIs. "bh" is a keyed hash of the Call-ID: a request that brings it back
/// belongs to a dialog that went through this server and was authorised then; nobody can make one up (house.md section
/// 3, threats 57). "bf" is the flow to the end that got the URI, where no address would lead there: a browser, a phone
/// behind NAT or on a connection (RFC 5626 section 5.2); the hash covers it too. The key is kept in data_dir, so
/// dialogs survive a restart.
class RouteTokens {
 public:
  explicit RouteTokens(const crypto::Key& key);

  static constexpr std::string_view parameter = "bh", flow_parameter = "bf", path_parameter = "bp",
                                    contact_parameter = "bu", epid_parameter = "be";

  /// What one Record-Route value says.
  struct Value {
    std::string_view sent_by;
    sip::Transport transport;
    bool secure = false;              ///< a sips URI: the request came with one (RFC 5630)
    const net::Flow* flow = nullptr;  ///< to the end that gets this value; null: its own address will do
    std::string_view epid{};          ///< of that end's From (CGP-69): a token; empty: none
  };
  /// Appends "<sip:HOST:PORT;transport=tcp;lr;bh=TOKEN;bf=FLOW>" (transport only when it is not UDP).
  void append_record_route(std::string& out, const Value& value, std::string_view call_id) const;

  /// The same for Path (RFC 3327): "bp" instead of "bh" says that whoever brings it back may reach this flow with any
  /// request, for its registration named it. `first_hop`: with "ob" (RFC 5626 section 5.1). The value must have a flow.
  void append_path(std::string& out, const Value& value, bool first_hop) const;
  /// A URI of ours that stands for the Contact of a phone where a Path is not understood (CGP-67): its user, our
  /// address, and "bu", the URI itself.
  void append_contact(std::string& out, const Value& value, const sip::Uri& contact) const;
  struct Contact {
    std::string uri;
    net::Flow flow;
  };
  [[nodiscard]] std::optional<Contact> read_contact(const sip::Uri& uri) const;

  struct Mark {
    bool ours = false;
    bool path = false;                ///< from a Path of ours
    std::optional<net::Flow> flow{};  ///< its local address is not in it
    std::string_view epid{};          ///< of the end ahead (CGP-69); empty: none
  };
  /// Whether this Route URI carries our token for this Call-ID, and the flow in it.
  [[nodiscard]] Mark read(const sip::Uri& route, std::string_view call_id) const;

 private:
  [[nodiscard]] std::uint64_t token(std::string_view call_id, std::string_view flow) const;
  [[nodiscard]] std::uint64_t path_token(std::string_view flow, std::string_view contact) const;

  crypto::Key dialog_key_, path_key_;
};

}  // namespace bellhop::proxy
