#pragma once

#include <span>
#include <string>

#include "base/time.hpp"
#include "location/block.hpp"
#include "routing/gruu.hpp"

namespace bellhop::registrar {

// The lines of a REGISTER's response.

/// What is needed to write the GRUUs of devices (RFC 5627 section 5.4) into their Contacts.
struct GruuWriting {
  const routing::Gruus& gruus;
  std::string_view key;     ///< of the bindings
  std::string_view aor;     ///< "sip:bob@example.test"
  std::string_view domain;  ///< of temporary ones
};

/// A Contact line per binding, with its remaining seconds, its q, its own parameters and, behind NAT, the address its
/// requests go to: ;received="sip:192.0.2.1:4711". GRUUs for bindings with an instance, unless `gruu` is null.
void append_contacts(std::string& out, std::span<const location::BindingView> bindings, TimePoint now,
                     const GruuWriting* gruu);

/// "Date: Sat, 13 Nov 2010 23:29:00 GMT" (RFC 3261 section 20.17), with CRLF.
void append_date(std::string& out, TimePoint now);

}  // namespace bellhop::registrar
