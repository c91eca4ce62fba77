#pragma once

#include <string>

#include "base/time.hpp"
#include "sip/message.hpp"

namespace bellhop::request {

/// How many percent of the requests of one kind are refused while they wait this long: none up to `from`, all of them
/// from 3 * `step` more on.
[[nodiscard]] unsigned percent_refused(Duration delay, Duration from, Duration step);

/// Feedback for a neighbour that said "oc" in its Via (RFC 7339 section 5.2), as Via parameters: by how many percent it
/// shall send less for the next second. Nothing for one that did not say it or knows no "loss".
void append_oc(std::string& out, const sip::Via& via, unsigned percent, TimePoint now);

}  // namespace bellhop::request
