#pragma once

#include <optional>

#include "proxy/route_token.hpp"
#include "request/context.hpp"

namespace bellhop::proxy {

/// Route information preprocessing (RFC 3261 section 16.4): finds what the request is really for when a strict router
/// rewrote it, counts the Route values at the top that name us, and tells whether our token was among them. Writes
/// target_uri, own_routes, drop_last_route, preloaded_route, in_dialog, by_path, route_flow and epid of the context. A
/// REGISTER is never in a dialog or on a Path: who registers has to show who he is. An error is a refusal (400 for a
/// broken Route, threats 36; 481 for an in-dialog request whose Route to us lacks our token, threats 57).
[[nodiscard]] std::optional<request::Refusal> preprocess_routes(request::RequestContext& context,
                                                                const RouteTokens& tokens);

/// Whether a URI names this server itself: one of its addresses or advertised names, without user.
[[nodiscard]] bool names_us(const sip::Uri& uri, const config::Snapshot& config);

}  // namespace bellhop::proxy
