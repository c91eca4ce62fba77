#pragma once

#include <cstdint>
#include <string_view>

namespace bellhop::sip {

/// Every header field of RFC 3261 and of the extensions Bellhop knows by name; anything else is `other` and passes
/// untouched. The table with long name, compact form and "is it a comma-separated list" is in header.cpp.
enum class HeaderId : std::uint8_t {
  other,
  // RFC 3261
  accept,
  accept_encoding,
  accept_language,
  alert_info,
  allow,
  authentication_info,
  authorization,
  call_id,
  call_info,
  contact,
  content_disposition,
  content_encoding,
  content_language,
  content_length,
  content_type,
  cseq,
  date,
  error_info,
  expires,
  from,
  in_reply_to,
  max_forwards,
  mime_version,
  min_expires,
  organization,
  priority,
  proxy_authenticate,
  proxy_authorization,
  proxy_require,
  record_route,
  reply_to,
  require,
  retry_after,
  route,
  server,
  subject,
  supported,
  timestamp,
  to,
  unsupported,
  user_agent,
  via,
  warning,
  www_authenticate,
  // 3262, 6665, 3323, 3325, 3326, 3327, 3515, 3608, 3840/3841, 3891, 3892, 3903, 3911, 4028, 4412, 4488, 4538, 5009,
  // 5393, 5626, 5627, 6086, 6442, 6809, 7044, 5806, 7315, 7339, 7433, 7989, 8224, 8599 and the field's own
  rack,
  rseq,
  event,
  allow_events,
  subscription_state,
  privacy,
  p_asserted_identity,
  p_preferred_identity,
  reason,
  path,
  refer_to,
  service_route,
  accept_contact,
  reject_contact,
  request_disposition,
  replaces,
  referred_by,
  sip_etag,
  sip_if_match,
  join,
  session_expires,
  min_se,
  resource_priority,
  accept_resource_priority,
  refer_sub,
  target_dialog,
  p_early_media,
  max_breadth,
  flow_timer,
  info_package,
  recv_info,
  geolocation,
  geolocation_routing,
  geolocation_error,
  feature_caps,
  history_info,
  diversion,
  p_charging_vector,
  p_charging_function_addresses,
  p_access_network_info,
  p_visited_network_id,
  p_associated_uri,
  p_called_party_id,
  user_to_user,
  session_id,
  identity,
  identity_info,
  remote_party_id,
  answer_mode,
  priv_answer_mode,
  permission_missing,
  trigger_consent,
  security_client,
  security_server,
  security_verify,
  suppress_if_match,
  p_hint,
  count_
};

/// One header line. Offsets are relative to the start of the message, so an index survives a copy of the buffer.
struct HeaderField {
  std::uint32_t name_at = 0;
  std::uint32_t value_at = 0;    ///< first octet of the trimmed value; behind the colon when the value is empty
  std::uint32_t value_size = 0;  ///< trimmed; folds inside are kept as received
  std::uint32_t end_at = 0;      ///< behind the line's CRLF
  std::uint16_t name_size = 0;   ///< without the white space that may stand before the colon (RFC 3261 section 25.1)
  std::uint16_t to_next = 0;     ///< fields from this one to the next of its id; 0: it is the last. Filled by the index
  HeaderId id = HeaderId::other;
  bool folded = false;  ///< the value holds a line break
};

struct HeaderName {
  std::string_view name;  ///< canonical long form, "Call-ID"
  char compact = '\0';    ///< 'i', or NUL when there is none
  bool list = false;      ///< several values may share one line, separated by commas (RFC 3261 section 7.3.1)
};

[[nodiscard]] const HeaderName& name_of(HeaderId id);
/// Long or compact form, any case. Cost: one look-up and one compare.
[[nodiscard]] HeaderId header_from(std::string_view name);

}  // namespace bellhop::sip
