#pragma once

#include <string>

#include "sip/status.hpp"

namespace bellhop::request {

/// A final answer of our own: the only place where an error becomes a status code and a text (house.md section 4).
struct Refusal {
  sip::StatusCode status = 500;
  const char* reason = "";  ///< static reason phrase; empty: the registered one
  std::string headers;      ///< extra header lines, each with its CRLF
};

}  // namespace bellhop::request
