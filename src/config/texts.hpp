#pragma once

#include <string>
#include <string_view>

namespace bellhop::config {

// The shapes of texts in the file. Each answers what is wrong and what would be right, or an empty text.
[[nodiscard]] std::string host_fault(std::string_view text);       ///< a host name or an IP address
[[nodiscard]] std::string prefix_fault(std::string_view text);     ///< "sip.": whole labels, or empty
[[nodiscard]] std::string advertise_fault(std::string_view text);  ///< host, host:port, or empty
[[nodiscard]] std::string user_fault(std::string_view text);       ///< what stands before the @ of an address
[[nodiscard]] std::string password_fault(std::string_view text);
[[nodiscard]] std::string target_fault(std::string_view text);   ///< user, user@host, or a sip, sips or tel URI
[[nodiscard]] std::string address_fault(std::string_view text);  ///< user@host
[[nodiscard]] std::string relay_fault(std::string_view text);    ///< host, host:port, a sip URI, or empty
[[nodiscard]] std::string path_fault(std::string_view text);
[[nodiscard]] std::string ciphers_fault(std::string_view text);      ///< an OpenSSL cipher list, or empty
[[nodiscard]] std::string origin_fault(std::string_view text);       ///< scheme://host or scheme://host:port (RFC 6454)
[[nodiscard]] std::string server_name_fault(std::string_view text);  ///< the value of a Server header field

[[nodiscard]] std::string pattern_fault(std::string_view text);       ///< 1 to 200 characters on one line
[[nodiscard]] std::string word_pattern_fault(std::string_view text);  ///< the same without blanks
[[nodiscard]] std::string uri_fault(std::string_view text);           ///< a sip or sips URI
[[nodiscard]] std::string optional_uri_fault(std::string_view text);  ///< the same, or empty

/// Whether the whole text fits the pattern: "*" stands for any text, "?" for one character, case does not matter.
/// Linear in pattern times text, whatever stands in either.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text);

}  // namespace bellhop::config
