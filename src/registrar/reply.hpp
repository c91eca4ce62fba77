#pragma once

#include <span>
#include <string>

#include "base/time.hpp"
#include "location/binding.hpp"

namespace bellhop::registrar {

// The lines of a REGISTER's response.

/// A Contact line per binding, with its remaining seconds, its q, its own parameters and, behind NAT, the address its
/// requests go to: ;received="sip:192.0.2.1:4711".
void append_contacts(std::string& out, std::span<const location::Binding> bindings, TimePoint now);

/// "Date: Sat, 13 Nov 2010 23:29:00 GMT" (RFC 3261 section 20.17), with CRLF.
void append_date(std::string& out, TimePoint now);

}  // namespace bellhop::registrar
